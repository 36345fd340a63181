with windows as (

    select * from {{ ref('int_segment_windows') }}

),

-- Two windows side by side; a trend needs enough people in each.
window_pairs as (

    select
        windows.campaign_id,
        windows.segment_id,
        windows.window_end,
        windows.kpi_value,
        prior_windows.kpi_value as prior_kpi_value,
        windows.impressions >= {{ var('rollup_minimum_impressions') }}
        and prior_windows.impressions >= {{ var('rollup_minimum_impressions') }} as has_trend,
        cast(windows.successes as double) as successes,
        cast(windows.trials as double) as trials,
        cast(prior_windows.successes as double) as prior_successes,
        cast(prior_windows.trials as double) as prior_trials,
        windows.day_variation + prior_windows.day_variation as day_variation,
        windows.days + prior_windows.days - 2 as degrees_of_freedom
    from windows
    inner join windows as prior_windows
        on
            windows.campaign_id = prior_windows.campaign_id
            and windows.segment_id = prior_windows.segment_id
            and prior_windows.window_end = {{ add_days('windows.window_end', -var('rollup_window_days')) }}

),

-- Days vary more than coins do: by how much is estimated from the days themselves, and the quantile is
-- that of Student's t, since few days estimate it badly.
overdispersed_pairs as (

    select
        *,
        greatest({{ rate('day_variation', 'degrees_of_freedom') }}, 1) as overdispersion,
        {{ student_t_quantile('degrees_of_freedom') }} as t_quantile
    from window_pairs

),

errors as (

    select
        *,
        case
            when successes > 0 and prior_successes > 0
                then sqrt(greatest(
                    1 / successes - 1 / nullif(trials, 0) + 1 / prior_successes - 1 / nullif(prior_trials, 0), 0
                ) * overdispersion)
        end as log_ratio_error,
        -- Without a success on one side there is no ratio to speak of, but a difference.
        (successes * prior_trials - prior_successes * trials) / nullif(sqrt(
            (successes + prior_successes) * trials * prior_trials * overdispersion
        ), 0) as z_statistic
    from overdispersed_pairs
    where
        has_trend
        and successes + prior_successes >= {{ var('trend_minimum_successes') }}

),

intervals as (

    select
        *,
        2 * asinh(t_quantile * log_ratio_error / 2) as log_margin
    from errors

),

final as (

    select
        window_pairs.campaign_id,
        window_pairs.segment_id,
        window_pairs.window_end,
        window_pairs.prior_kpi_value,
        case
            when window_pairs.has_trend
                then {{ held_relative_change('window_pairs.kpi_value', 'window_pairs.prior_kpi_value') }}
        end as trend,
        {{ rate('window_pairs.kpi_value', 'window_pairs.prior_kpi_value') }} * exp(-intervals.log_margin) - 1
            as trend_ci_low,
        {{ rate('window_pairs.kpi_value', 'window_pairs.prior_kpi_value') }} * exp(intervals.log_margin) - 1
            as trend_ci_high,
        coalesce(
            case
                when intervals.log_ratio_error is null then abs(intervals.z_statistic) > intervals.t_quantile
                else
                    abs(ln({{ rate('window_pairs.kpi_value', 'window_pairs.prior_kpi_value') }})) > intervals.log_margin
            end,
            false
        ) as is_beyond_noise
    from window_pairs
    left join intervals using (campaign_id, segment_id, window_end)

)

select * from final
