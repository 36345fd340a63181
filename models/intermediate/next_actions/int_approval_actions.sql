with budget_actions as (

    select * from {{ ref('budget_action_audit') }}

),

-- An approved or rejected action is no longer pending, whichever decision names it.
final as (

    select
        cast(null as integer) as priority_rank,
        'decide_budget_action' as action_type,
        budget_action_id as record_id,
        campaign_id,
        replace(reason_code, '_', ' ') || ': ' || reason_detail as reason,
        'approve or reject ' || {{ money_move_text() }} as what_to_do,
        amount,
        currency,
        cast(null as decimal(18, 2)) as spend_per_day,
        cast(null as string) as answered_by_decision_id,
        cast(null as timestamp) as answered_at,
        proposed_at as waiting_since,
        cast(null as timestamp) as due_at
    from budget_actions
    where approval_state = 'pending'

)

select * from final
