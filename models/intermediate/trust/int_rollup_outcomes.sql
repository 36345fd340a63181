with rollups as (

    select * from {{ ref('int_reported_rollups') }}

),

performance as (

    select * from {{ ref('int_performance') }}

),

kpi_definitions as (

    select * from {{ ref('kpi_definitions') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- A rollup's own window, and the one of the same length just after it.
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
        'next' as period,
        {{ add_days('window_end', 1) }} as window_start,
        {{ add_days('window_end', '1 + ' ~ days_between('window_start', 'window_end')) }} as window_end
    from rollups

),

-- Days that are equal are found by a hash; a range is compared with all days of its segment.
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
        sum(performance.conversions) as conversions
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

totals as (

    select
        rollup_id,
        period,
        sum(impressions) as impressions,
        sum(successes) as successes,
        sum(trials) as trials,
        count(case when trials > 0 then 1 end) as days,
        {{ effective_days('trials') }} as effective_days,
        {{ day_variation('successes', 'trials') }} as day_variation
    from measured_days
    group by rollup_id, period

),

-- What came next against what was reported on.
window_pairs as (

    select
        rollups.rollup_id,
        rollups.campaign_id,
        rollups.window_end,
        rollups.recommendation,
        {{ end_of_day('next_windows.window_end') }} <= as_of.as_of as is_next_over,
        coalesce(
            own.impressions >= {{ var('rollup_minimum_impressions') }}
            and following.impressions >= {{ var('rollup_minimum_impressions') }},
            false
        ) as is_comparable,
        following.successes,
        following.trials,
        own.successes as prior_successes,
        own.trials as prior_trials,
        own.days + following.days as days,
        own.effective_days + following.effective_days as effective_days,
        own.day_variation + following.day_variation as day_variation
    from rollups
    cross join as_of
    inner join windows as next_windows
        on
            rollups.rollup_id = next_windows.rollup_id
            and next_windows.period = 'next'
    left join totals as own
        on
            rollups.rollup_id = own.rollup_id
            and own.period = 'own'
    left join totals as following
        on
            rollups.rollup_id = following.rollup_id
            and following.period = 'next'

),

final as (

    select
        rollup_id,
        campaign_id,
        window_end,
        recommendation,
        is_next_over,
        is_comparable,
        is_enough_to_tell,
        {{ rate('prior_successes', 'prior_trials') }} as own_kpi_value,
        {{ rate('successes', 'trials') }} as next_kpi_value,
        trend_ci_low,
        trend_ci_high,
        is_beyond_noise and {{ rate('successes', 'trials') }} > {{ rate('prior_successes', 'prior_trials') }} as has_risen,
        is_beyond_noise and {{ rate('successes', 'trials') }} < {{ rate('prior_successes', 'prior_trials') }} as has_fallen,
        coalesce(is_comparable and successes = 0 and prior_successes = 0, false) as is_without_success
    from {{ judged_trends('window_pairs') }} as trends

)

select * from final
