with rollups as (

    select * from {{ ref('int_reported_rollups') }}

),

performance as (

    select * from {{ ref('int_performance') }}

),

kpi_definitions as (

    select * from {{ ref('kpi_definitions') }}

),

-- A rollup's own window, and the previous one of the same length.
windows as (

    select
        rollup_id,
        campaign_id,
        segment_id,
        primary_kpi,
        'current' as period,
        window_start,
        window_end
    from rollups

    union all

    select
        rollup_id,
        campaign_id,
        segment_id,
        primary_kpi,
        'prior' as period,
        {{ add_days('window_start', '-1 - ' ~ days_between('window_start', 'window_end')) }} as window_start,
        {{ add_days('window_start', -1) }} as window_end
    from rollups

),

-- One row per day, since equal days can be joined by hash; a range would be compared with all days of its segment.
window_days as (

    select
        rollup_id,
        campaign_id,
        segment_id,
        primary_kpi,
        period,
        {{ each_day('window_start', 'window_end') }} as recorded_date
    from windows

),

totals as (

    select
        window_days.rollup_id,
        window_days.primary_kpi,
        window_days.period,
        sum(performance.impressions) as impressions,
        sum(performance.clicks) as clicks,
        sum(performance.conversions) as conversions,
        sum(performance.cost) as spend,
        sum(performance.revenue_proxy) as revenue_proxy
    from window_days
    inner join performance using (campaign_id, segment_id, recorded_date)
    group by window_days.rollup_id, window_days.primary_kpi, window_days.period

),

final as (

    select
        totals.rollup_id,
        totals.period,
        totals.impressions,
        totals.clicks,
        totals.conversions,
        totals.spend,
        totals.revenue_proxy,
        {{ rate(
            measure_value('kpi_definitions.numerator'),
            measure_value('kpi_definitions.denominator')
        ) }} as kpi_value
    from totals
    left join kpi_definitions
        on totals.primary_kpi = kpi_definitions.kpi

)

select * from final
