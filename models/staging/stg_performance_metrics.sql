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
        {{ exact_decimal('cost', 6) }} as cost,
        {{ exact_decimal('revenue_proxy', 6) }} as revenue_proxy,

        cast({{ adapter.quote('timestamp') }} as timestamp) as recorded_at,

        {{ is_new() }} as is_new
    from source

)

select * from final
