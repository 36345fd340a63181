{{ config(
    materialized = 'incremental_by_day',
    meta = {'by_day': {'dataset': 'performance_metrics', 'column': 'recorded_date'}}
) }}

with performance as (

    select * from {{ ref('stg_performance_metrics') }}
    {%- if is_incremental() %}
    where is_new
    {%- endif %}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

days as (

    {{ versions_of_days(ref('int_days_of_performance_metrics'), model.name, 'performance_metrics') }}

),

final as (

    select
        performance.asset_id,
        performance.experiment_id,
        performance.recorded_at,
        cast(performance.recorded_at as date) as recorded_date,
        performance.impressions,
        performance.clicks,
        performance.conversions,
        performance.cost,
        performance.revenue_proxy,
        days.version as content_version
    from performance
    cross join as_of
    left join days
        on cast(performance.recorded_at as date) = days.day
    where performance.recorded_at <= as_of.as_of

)

select * from final
