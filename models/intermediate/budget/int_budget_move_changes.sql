with windows as (

    select * from {{ ref('int_budget_move_windows') }}

),

plans as (

    select * from {{ ref('int_budget_action_plans') }}

),

channels as (

    select * from {{ ref('int_budget_move_channels') }}

),

effects as (

    select * from {{ ref('int_budget_move_effects') }}

),

-- In the direction of the plan: the giving channel should spend less.
planned_changes as (

    select
        windows.budget_action_id,
        windows.direction,
        windows.before_start,
        windows.after_end,
        windows.is_after_complete,
        -- A move within one channel leaves its money the same.
        windows.is_moved_by_another as is_overlapped,
        plans.planned_daily_change,
        coalesce(channels.days_covered_before, 0) as days_covered_before,
        coalesce(channels.days_covered_after, 0) as days_covered_after,
        channels.spend_before,
        channels.spend_after,
        channels.spend_per_day_before,
        channels.spend_per_day_after,
        channels.change_per_day,
        case when windows.direction = 'from' then -channels.change_per_day else channels.change_per_day end
            as change_as_planned,
        -- Without variation there are no degrees of freedom, and the margin is 0.
        case
            when channels.change_variance = 0 then cast(0 as double)
            else
                {{ student_t_quantile('floor(channels.change_freedom + 1e-9)') }}
                * sqrt(greatest(channels.change_variance, 0))
        end as change_margin,
        effects.has_comparison,
        effects.comparison_channels,
        effects.effect,
        effects.effect_low,
        effects.effect_high
    from windows
    inner join plans
        on windows.budget_action_id = plans.budget_action_id
    left join channels
        on
            windows.budget_action_id = channels.budget_action_id
            and windows.channel_id = channels.channel_id
    left join effects
        on
            windows.budget_action_id = effects.budget_action_id
            and windows.direction = effects.direction

),

judged_changes as (

    select
        *,
        is_after_complete and change_margin is not null as has_enough_spend,
        is_after_complete
        and not is_overlapped
        and change_margin is not null
        and planned_daily_change > 0 as is_judged,
        case
            when is_overlapped then 'overlapped'
            when not is_after_complete then 'not_enough'
            when not has_comparison then 'no_comparison'
            when effect_low is null or effect_high is null then 'not_enough'
            when effect_low > 0 then 'better'
            when effect_high < 0 then 'worse'
            else 'unclear'
        end as effect_status
    from planned_changes

),

shares as (

    select
        *,
        case when is_judged then {{ rate('change_as_planned', 'planned_daily_change') }} end as uptake_share,
        case when is_judged then {{ rate('change_margin', 'planned_daily_change') }} end as share_margin,
        effect_status in ('better', 'worse', 'unclear') as is_effect_known
    from judged_changes

),

final as (

    select
        budget_action_id,
        direction,
        before_start,
        after_end,
        is_after_complete,
        is_overlapped,
        has_enough_spend,
        days_covered_before,
        days_covered_after,
        spend_before,
        spend_after,
        spend_per_day_before,
        spend_per_day_after,
        change_per_day,
        uptake_share,
        uptake_share - share_margin as uptake_share_low,
        uptake_share + share_margin as uptake_share_high,
        -- moved: significantly as planned, enough of it, and not significantly far more. not_moved: significantly too
        -- little.
        case
            when
                uptake_share - share_margin > 0
                and uptake_share >= {{ var('uptake_minimum_share') }}
                and uptake_share - share_margin <= 1 / cast({{ var('uptake_minimum_share') }} as double)
                then 'moved'
            when uptake_share + share_margin < {{ var('uptake_minimum_share') }} then 'not_moved'
            when uptake_share is not null then 'unclear'
        end as side_status,
        {%- for figure in ['effect', 'effect_low', 'effect_high'] %}
        case when is_effect_known then {{ figure }} end as {{ figure }},
        {%- endfor %}
        effect_status,
        comparison_channels
    from shares

)

select * from final
