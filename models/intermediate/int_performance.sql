with performance as (

    select * from {{ ref('stg_performance_metrics') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

final as (

    select
        performance.asset_id,
        performance.experiment_id,
        assets.campaign_id,
        assets.segment_id,
        assets.channel_id,
        performance.recorded_at,
        cast(performance.recorded_at as date) as recorded_date,
        performance.impressions,
        performance.clicks,
        performance.conversions,
        performance.cost,
        performance.revenue_proxy
    from performance
    cross join as_of
    inner join assets using (asset_id)
    where performance.recorded_at <= as_of.as_of

)

select * from final
