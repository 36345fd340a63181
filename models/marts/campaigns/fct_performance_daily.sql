with performance as (

    select * from {{ ref('int_performance') }}

),

final as (

    select
        asset_id,
        experiment_id,
        campaign_id,
        segment_id,
        channel_id,
        recorded_date,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(clicks) as bigint) as clicks,
        cast(sum(conversions) as bigint) as conversions,
        cast(sum(cost) as decimal(18, 6)) as spend,
        cast(sum(revenue_proxy) as decimal(18, 6)) as revenue_proxy
    from performance
    group by asset_id, experiment_id, campaign_id, segment_id, channel_id, recorded_date

)

select * from final
