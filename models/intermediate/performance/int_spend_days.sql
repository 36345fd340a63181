{{ config(materialized = 'view') }}

with performance as (

    select * from {{ ref('int_performance') }}

),

coverage as (

    select * from {{ ref('int_performance_coverage') }}

),

-- What a snapshot cost, spread evenly over the days that it covers.
final as (

    select
        performance.asset_id,
        performance.experiment_id,
        performance.campaign_id,
        performance.segment_id,
        performance.recorded_at,
        coverage.covered_from,
        {{ each_day('coverage.covered_from', 'coverage.recorded_date') }} as day,
        cast({{ rate('performance.cost', 'coverage.days_covered') }} as decimal(28, 9)) as spend
    from performance
    inner join coverage using (asset_id, recorded_date)

)

select * from final
