{{ config(
    materialized = 'view',
    meta = {'by_day': {'dataset': 'performance_metrics', 'column': 'recorded_date'}}
) }}

with performance as (

    select * from {{ ref('int_performance_daily') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

final as (

    select
        performance.asset_id,
        performance.experiment_id,
        assets.campaign_id,
        assets.segment_id,
        assets.channel_id,
        performance.recorded_date,
        performance.impressions,
        performance.clicks,
        performance.conversions,
        performance.spend,
        performance.revenue_proxy
    from performance
    inner join assets using (asset_id)

)

select * from final
