with budget_actions as (

    select * from {{ ref('stg_budget_actions') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

proposed_actions as (

    select
        budget_actions.*,
        -- A blank name is no name.
        {{ blank_to_null('budget_actions.approver_id') }} as approver,
        case
            when budget_actions.is_approved_by_human
                then {{ add_minutes('budget_actions.proposed_at', 'budget_actions.approval_latency_minutes') }}
        end as approved_at,
        {{ approval_threshold('budget_actions.currency') }} as approval_threshold,
        as_of.as_of
    from budget_actions
    cross join as_of
    where budget_actions.proposed_at <= as_of.as_of

),

-- Until its approval was given, an approved action was a proposal; what came of it was not known.
known_actions as (

    select
        *,
        coalesce(approved_at > as_of, false) as is_approval_in_future,
        is_approved_by_human and not coalesce(approved_at > as_of, false) as is_approved
    from proposed_actions

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
        case when is_approval_in_future then 'proposed' else status end as status,
        is_approved,
        case when is_approved then approver end as approver_id,
        case when is_approved then approval_latency_minutes end as approval_latency_minutes,
        case when is_approved then approved_at end as approved_at,
        approval_threshold,
        {{ requires_approval('amount', 'currency') }} as requires_approval,
        from_channel_id = to_channel_id as is_self_transfer
    from known_actions

)

select * from final
