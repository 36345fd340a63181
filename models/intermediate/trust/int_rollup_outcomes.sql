with rollups as (

    select * from {{ ref('int_reported_rollups') }}

),

windows as (

    select * from {{ ref('int_rollup_windows') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- The next window compared with the reported one.
window_pairs as (

    select
        rollups.rollup_id,
        rollups.campaign_id,
        rollups.window_end,
        rollups.recommendation,
        {{ end_of_day(add_days(
            'rollups.window_end', '1 + ' ~ days_between('rollups.window_start', 'rollups.window_end')
        )) }} <= as_of.as_of as is_next_over,
        coalesce(
            own_windows.impressions >= {{ var('rollup_minimum_impressions') }}
            and next_windows.impressions >= {{ var('rollup_minimum_impressions') }},
            false
        ) as is_comparable,
        next_windows.successes,
        next_windows.trials,
        own_windows.successes as prior_successes,
        own_windows.trials as prior_trials,
        own_windows.days + next_windows.days as days,
        own_windows.effective_days + next_windows.effective_days as effective_days,
        own_windows.day_variation + next_windows.day_variation as day_variation
    from rollups
    cross join as_of
    left join windows as own_windows
        on
            rollups.rollup_id = own_windows.rollup_id
            and own_windows.period = 'own'
    left join windows as next_windows
        on
            rollups.rollup_id = next_windows.rollup_id
            and next_windows.period = 'next'

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
        is_beyond_noise
        and {{ rate('successes', 'trials') }} > {{ rate('prior_successes', 'prior_trials') }} as has_risen,
        is_beyond_noise
        and {{ rate('successes', 'trials') }} < {{ rate('prior_successes', 'prior_trials') }} as has_fallen,
        coalesce(is_comparable and successes = 0 and prior_successes = 0, false) as is_without_success
    from {{ judged_trends('window_pairs') }} as trends

)

select * from final
