with rollups as (

    select * from {{ ref('int_reported_rollups') }}

),

performance as (

    select * from {{ ref('int_performance') }}

),

kpi_definitions as (

    select * from {{ ref('kpi_definitions') }}

),

-- A rollup's own window, the previous and the next one of the same length.
windows as (

    select
        rollup_id,
        campaign_id,
        segment_id,
        primary_kpi,
        'own' as period,
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

    union all

    select
        rollup_id,
        campaign_id,
        segment_id,
        primary_kpi,
        'next' as period,
        {{ add_days('window_end', 1) }} as window_start,
        {{ add_days('window_end', '1 + ' ~ days_between('window_start', 'window_end')) }} as window_end
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

daily as (

    select
        window_days.rollup_id,
        window_days.primary_kpi,
        window_days.period,
        window_days.recorded_date,
        sum(performance.impressions) as impressions,
        sum(performance.clicks) as clicks,
        sum(performance.conversions) as conversions,
        sum(performance.cost) as spend,
        sum(performance.revenue_proxy) as revenue_proxy
    from window_days
    inner join performance using (campaign_id, segment_id, recorded_date)
    group by window_days.rollup_id, window_days.primary_kpi, window_days.period, window_days.recorded_date

),

measured_days as (

    select
        daily.*,
        {{ measure_value('kpi_definitions.numerator') }} as successes,
        {{ measure_value('kpi_definitions.denominator') }} as trials
    from daily
    left join kpi_definitions
        on daily.primary_kpi = kpi_definitions.kpi

),

final as (

    select
        rollup_id,
        period,
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
        {{ day_variation('successes', 'trials') }} as day_variation
    from measured_days
    group by rollup_id, period

)

select * from final
