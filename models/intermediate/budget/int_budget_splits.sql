with actions as (

    select * from {{ ref('int_budget_actions') }}

),

-- Moves below the threshold that no person has approved or rejected.
unapproved_small_actions as (

    select *
    from actions
    where
        approval_state in ('pending', 'not_required')
        and not requires_approval

),

-- The moves in each window of split_window_hours that starts with such a move.
split_windows as (

    select
        opening.budget_action_id as opening_action_id,
        opening.approval_threshold,
        member.budget_action_id,
        sum(member.amount) over (partition by opening.budget_action_id) as window_amount
    from unapproved_small_actions as opening
    inner join unapproved_small_actions as member
        on
            opening.campaign_id = member.campaign_id
            and opening.from_channel_id = member.from_channel_id
            and opening.to_channel_id = member.to_channel_id
            and opening.currency = member.currency
            and opening.proposed_at <= member.proposed_at
            and {{ add_minutes('opening.proposed_at', 60 * var('split_window_hours')) }} >= member.proposed_at

),

final as (

    select budget_action_id
    from split_windows
    where window_amount >= approval_threshold
    group by budget_action_id

)

select * from final
