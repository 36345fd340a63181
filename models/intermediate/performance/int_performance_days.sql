{{ config(materialized = 'view') }}

with performance as (

    select * from {{ ref('int_performance') }}

),

coverage as (

    select * from {{ ref('int_performance_coverage') }}

),

covered_days as (

    select
        performance.*,
        coverage.covered_from,
        coverage.days_covered,
        {{ each_day('coverage.covered_from', 'coverage.recorded_date') }} as day
    from performance
    inner join coverage using (asset_id, recorded_date)

),

numbered_days as (

    select
        *,
        {{ days_between('covered_from', 'day') }} + 1 as day_number
    from covered_days

),

-- Each measure of a snapshot is spread evenly over the days that it covers: a day gets the rounded sum up to it minus
-- the rounded sum up to the day before, so that all days together equal the snapshot.
final as (

    select
        asset_id,
        experiment_id,
        campaign_id,
        segment_id,
        channel_id,
        recorded_at,
        covered_from,
        day,
        {%- for measure in ['impressions', 'clicks', 'conversions'] %}
        cast(
            {{ part_so_far(measure, 'day_number', false) }}
            - {{ part_so_far(measure, '(day_number - 1)', false) }} as bigint
        ) as {{ measure }},
        {%- endfor %}
        cast(
            {{ part_so_far('cost', 'day_number', true) }}
            - {{ part_so_far('cost', '(day_number - 1)', true) }} as decimal(18, 6)
        ) as spend,
        cast(
            {{ part_so_far('revenue_proxy', 'day_number', true) }}
            - {{ part_so_far('revenue_proxy', '(day_number - 1)', true) }} as decimal(18, 6)
        ) as revenue_proxy
    from numbered_days

)

select * from final
