with outcomes as (

    select * from {{ ref('int_rollup_outcomes') }}

),

-- A change that would call for the opposite recommendation is ruled out where the interval excludes it.
judged_outcomes as (

    select
        *,
        has_risen or coalesce(trend_ci_low > {{ var('stop_trend_maximum') }}, false) as is_fall_ruled_out,
        has_fallen or coalesce(trend_ci_high < {{ var('scale_trend_minimum') }}, false) as is_rise_ruled_out,
        coalesce(
            trend_ci_high <= {{ var('stop_trend_maximum') }} or trend_ci_low >= {{ var('scale_trend_minimum') }}, false
        ) as has_left_the_thresholds
    from outcomes

),

claims as (

    select
        *,
        case
            when not is_next_over then 'not_checkable'
            when recommendation in ('stop', 'revise') and is_without_success then 'borne_out'
            when not is_comparable or not is_enough_to_tell then 'not_checkable'
            when recommendation = 'scale' and has_fallen then 'not_borne_out'
            when recommendation = 'scale' and is_fall_ruled_out then 'borne_out'
            when recommendation in ('stop', 'revise') and has_risen then 'not_borne_out'
            when recommendation in ('stop', 'revise') and is_rise_ruled_out then 'borne_out'
            when recommendation = 'hold' and has_left_the_thresholds then 'not_borne_out'
            when recommendation = 'hold' and is_fall_ruled_out and is_rise_ruled_out then 'borne_out'
            else 'not_checkable'
        end as outcome
    from judged_outcomes

),

final as (

    select
        rollup_id,
        campaign_id,
        window_end,
        outcome,
        case
            when not is_next_over then 'The next window is not over.'
            when outcome <> 'not_checkable' or (is_comparable and is_enough_to_tell)
                then
                    'It recommended to ' || recommendation || '; the KPI went from '
                    || {{ number_text('own_kpi_value') }} || ' to ' || {{ number_text('next_kpi_value') }}
                    || case when outcome = 'not_checkable' then ', too unsure to tell.' else '.' end
            else 'There is not enough in its window and the next to compare them.'
        end as reason
    from claims

)

select * from final
