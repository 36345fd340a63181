{%- set window_days = var('rollup_window_days') -%}

with performance as (

    select * from {{ ref('int_performance') }}

),

reported_rollups as (

    select * from {{ ref('int_reported_rollups') }}

),

campaigns as (

    select * from {{ ref('stg_campaigns') }}

),

kpi_definitions as (

    select * from {{ ref('kpi_definitions') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- Windows follow each other without a gap; one of them ends on the latest reported window_end.
anchor as (

    select
        as_of.as_of,
        as_of.as_of_date,
        coalesce(max(reported_rollups.window_end), as_of.as_of_date) as window_end
    from as_of
    left join reported_rollups on true
    group by as_of.as_of, as_of.as_of_date

),

-- The latest window that is over, whichever segments have data in it.
calendar as (

    select
        as_of,
        window_end as anchor_end,
        {{ add_days('window_end', window_days ~ ' * floor(' ~ rate(
            days_between('window_end', 'as_of_date')
            ~ ' - case when as_of < ' ~ end_of_day('as_of_date') ~ ' then 1 else 0 end',
            window_days
        ) ~ ')') }} as judged_end
    from anchor

),

daily as (

    select
        performance.campaign_id,
        performance.segment_id,
        performance.recorded_date,
        campaigns.primary_kpi,
        sum(performance.impressions) as impressions,
        sum(performance.clicks) as clicks,
        sum(performance.conversions) as conversions,
        sum(performance.cost) as spend,
        sum(performance.revenue_proxy) as revenue_proxy
    from performance
    inner join campaigns using (campaign_id)
    group by performance.campaign_id, performance.segment_id, performance.recorded_date, campaigns.primary_kpi

),

windowed_days as (

    select
        daily.*,
        calendar.as_of,
        calendar.judged_end,
        {{ add_days(
            'calendar.anchor_end',
            window_days ~ ' * ceil(' ~ rate(days_between('calendar.anchor_end', 'daily.recorded_date'), window_days) ~ ')'
        ) }} as window_end,
        {{ measure_value('kpi_definitions.numerator') }} as successes,
        {{ measure_value('kpi_definitions.denominator') }} as trials
    from daily
    cross join calendar
    left join kpi_definitions
        on daily.primary_kpi = kpi_definitions.kpi

),

final as (

    select
        campaign_id,
        segment_id,
        window_end,
        {{ add_days('window_end', 1 - window_days) }} as window_start,
        primary_kpi,
        sum(impressions) as impressions,
        sum(clicks) as clicks,
        sum(conversions) as conversions,
        sum(spend) as spend,
        sum(revenue_proxy) as revenue_proxy,
        sum(successes) as successes,
        sum(trials) as trials,
        {{ rate('sum(successes)', 'sum(trials)') }} as kpi_value,
        count(case when trials > 0 then 1 end) as days,
        {{ effective_days('trials') }} as effective_days,
        {{ day_variation('successes', 'trials') }} as day_variation,
        {{ end_of_day('window_end') }} > max(as_of) as is_partial,
        window_end = max(judged_end) as is_judged
    from windowed_days
    group by campaign_id, segment_id, window_end, primary_kpi

)

select * from final
