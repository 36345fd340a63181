{{ config(materialized = 'view') }}

with performance as (

    select * from {{ ref('int_performance_daily') }}

),

coverage as (

    select * from {{ ref('int_performance_coverage') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

final as (

    select
        performance.asset_id,
        performance.experiment_id,
        {{ experiment_key('performance.experiment_id') }} as experiment_key,
        assets.campaign_id,
        assets.segment_id,
        assets.channel_id,
        performance.recorded_date,
        coverage.covered_from,
        coverage.days_covered,
        performance.impressions,
        performance.clicks,
        performance.conversions,
        performance.spend,
        performance.revenue_proxy
    from performance
    inner join coverage
        on
            performance.asset_id = coverage.asset_id
            and performance.recorded_date = coverage.recorded_date
    inner join assets
        on performance.asset_id = assets.asset_id

)

select * from final
