{{ config(
    materialized = 'incremental_by_day',
    meta = {'by_day': {'dataset': 'performance_metrics', 'column': 'recorded_date'}}
) }}

with snapshots as (

    select * from {{ taken_in(ref('int_performance_snapshots')) }}

),

days as (

    select * from {{ day_versions(ref('int_days_of_performance_metrics'), model.name) }} as versions

),

final as (

    select
        snapshots.asset_id,
        snapshots.experiment_id,
        snapshots.recorded_date,
        cast(sum(snapshots.impressions) as bigint) as impressions,
        cast(sum(snapshots.clicks) as bigint) as clicks,
        cast(sum(snapshots.conversions) as bigint) as conversions,
        cast(sum(snapshots.cost) as decimal(18, 6)) as spend,
        cast(sum(snapshots.revenue_proxy) as decimal(18, 6)) as revenue_proxy,
        any_value(days.version) as content_version
    from snapshots
    left join days
        on snapshots.recorded_date = days.day
    group by snapshots.asset_id, snapshots.experiment_id, snapshots.recorded_date

)

select * from final
