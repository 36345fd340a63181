with budget_actions as (

    select * from {{ ref('stg_budget_actions') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

proposed_actions as (

    select
        budget_actions.*,
        -- An action that is both rejected and approved counts as rejected.
        case
            when budget_actions.is_approved_by_human and budget_actions.status <> 'rejected'
                then {{ add_minutes('budget_actions.proposed_at', 'budget_actions.approval_latency_minutes') }}
        end as approved_at,
        {{ approval_threshold('budget_actions.currency') }} as approval_threshold,
        as_of.as_of
    from budget_actions
    cross join as_of
    where budget_actions.proposed_at <= as_of.as_of

),

known_actions as (

    select
        *,
        coalesce(approved_at > as_of, false) as is_approval_in_future
    from proposed_actions

),

-- Until its approval, an action was a proposal; its later status was not known.
judged_actions as (

    select
        *,
        case when is_approval_in_future then 'proposed' else status end as known_status,
        is_approved_by_human and not is_approval_in_future and status <> 'rejected' as is_approved,
        {{ requires_approval('amount', 'currency') }} as requires_approval,
        -- Null-safe: a partition treats nulls as equal.
        min(budget_action_id) over (
            partition by
                campaign_id,
                from_channel_id,
                to_channel_id,
                amount,
                currency,
                reason_code,
                reason_detail,
                proposed_by,
                proposed_at,
                is_approved_by_human and not is_approval_in_future,
                case when not is_approval_in_future then approver_id end,
                case when not is_approval_in_future then approval_latency_minutes end
        ) as first_alike
    from known_actions

),

final as (

    select
        budget_action_id,
        campaign_id,
        from_channel_id,
        to_channel_id,
        amount,
        currency,
        reason_code,
        reason_detail,
        proposed_by,
        proposed_at,
        known_status as status,
        is_approved,
        -- A blank name counts as none.
        case when is_approved then {{ blank_to_null('approver_id') }} end as approver_id,
        case when is_approved then approval_latency_minutes end as approval_latency_minutes,
        case when is_approved then approved_at end as approved_at,
        approval_threshold,
        requires_approval,
        case
            when is_approved then 'approved'
            when known_status = 'rejected' then 'rejected'
            when known_status = 'proposed' then 'pending'
            when requires_approval then 'missing'
            else 'not_required'
        end as approval_state,
        -- Only executed actions moved money; a rolled back one counts as not moved.
        known_status = 'executed' as money_moved,
        from_channel_id = to_channel_id as is_self_transfer,
        nullif(first_alike, budget_action_id) as possible_duplicate_of,
        case
            when is_approved_by_human and status = 'rejected' then 'rejected, yet approved by a person'
        end as contradiction
    from judged_actions

)

select * from final
