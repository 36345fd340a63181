{{ config(materialized = 'view') }}

with snapshots as (

    select * from {{ ref('int_performance_snapshots') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

final as (

    select
        snapshots.asset_id,
        snapshots.experiment_id,
        assets.campaign_id,
        assets.segment_id,
        assets.channel_id,
        snapshots.recorded_at,
        snapshots.recorded_date,
        snapshots.impressions,
        snapshots.clicks,
        snapshots.conversions,
        snapshots.cost,
        snapshots.revenue_proxy
    from snapshots
    inner join assets using (asset_id)

)

select * from final
