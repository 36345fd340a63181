with windows as (

    select * from {{ ref('int_segment_windows') }}

),

-- Each window with the previous one; a trend needs enough impressions in each.
window_pairs as (

    select
        windows.campaign_id,
        windows.segment_id,
        windows.window_end,
        windows.kpi_value,
        prior_windows.kpi_value as prior_kpi_value,
        windows.impressions >= {{ var('rollup_minimum_impressions') }}
        and prior_windows.impressions >= {{ var('rollup_minimum_impressions') }} as is_comparable,
        windows.successes,
        windows.trials,
        prior_windows.successes as prior_successes,
        prior_windows.trials as prior_trials,
        windows.days + prior_windows.days as days,
        windows.effective_days + prior_windows.effective_days as effective_days,
        windows.day_variation + prior_windows.day_variation as day_variation
    from windows
    inner join windows as prior_windows
        on
            windows.campaign_id = prior_windows.campaign_id
            and windows.segment_id = prior_windows.segment_id
            and prior_windows.window_end = {{ add_days('windows.window_end', -var('rollup_window_days')) }}

),

final as (

    select
        campaign_id,
        segment_id,
        window_end,
        prior_kpi_value,
        case
            when is_comparable then {{ held_relative_change('kpi_value', 'prior_kpi_value') }}
        end as trend,
        trend_ci_low,
        trend_ci_high,
        is_beyond_noise
    from {{ judged_trends('window_pairs') }} as trends

)

select * from final
