with source as (

    select * from {{ ref('raw_performance_metrics') }}

),

final as (

    select
        asset_id,
        experiment_id,

        cast(impressions as bigint) as impressions,
        cast(clicks as bigint) as clicks,
        cast(conversions as bigint) as conversions,
        cast(conversion_rate as double) as conversion_rate,
        cast(cost as decimal(18, 6)) as cost,
        cast(revenue_proxy as decimal(18, 6)) as revenue_proxy,

        cast({{ adapter.quote('timestamp') }} as timestamp) as recorded_at
    from source

)

select * from final
