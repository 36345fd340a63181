with violations as (

    select * from {{ ref('contract_violations') }}
    where not is_waived

),

budget_actions as (

    select * from {{ ref('budget_action_audit') }}

),

risk_signals as (

    select * from {{ ref('risk_escalation') }}

),

open_risks as (

    select * from {{ ref('int_risk_actions') }}
    where answered_by_decision_id is null

),

daily_spend as (

    select * from {{ ref('int_daily_spend') }}
    where record_kind = 'risk'

),

-- Only a waiver removes a breach, not a decision. A risk to handle is not listed as a breach too.
breaches as (

    select
        cast(null as integer) as priority_rank,
        'resolve_breach' as action_type,
        violations.record_key as record_id,
        violations.campaign_id,
        'contract rule ' || cast(violations.rule as string) || ': ' || violations.what_is_wrong as reason,
        'correct it at the source, or waive it' as what_to_do,
        budget_actions.amount,
        budget_actions.currency,
        daily_spend.spend_per_day,
        cast(null as string) as answered_by_decision_id,
        cast(null as timestamp) as answered_at,
        coalesce(
            budget_actions.execution_first_seen_at,
            budget_actions.approved_at,
            budget_actions.proposed_at,
            risk_signals.review_due_at
        ) as waiting_since,
        risk_signals.review_due_at as due_at
    from violations
    left join budget_actions
        on
            violations.rule = 4
            and violations.record_key = budget_actions.budget_action_id
    left join risk_signals
        on
            violations.rule = 5
            and violations.record_key = risk_signals.risk_id
    left join daily_spend
        on risk_signals.risk_id = daily_spend.record_id
    left join open_risks
        on
            violations.rule = 5
            and violations.record_key = open_risks.record_id
    where open_risks.record_id is null

),

-- The terms differ from the approved ones: no rule of the contract, but money without approval all the same.
unapproved_changes as (

    select
        cast(null as integer) as priority_rank,
        'resolve_breach' as action_type,
        budget_action_id as record_id,
        campaign_id,
        'changed after approval: ' || changed_after_approval as reason,
        'approve the new terms, or correct it at the source' as what_to_do,
        amount,
        currency,
        cast(null as decimal(18, 2)) as spend_per_day,
        cast(null as string) as answered_by_decision_id,
        cast(null as timestamp) as answered_at,
        coalesce(execution_first_seen_at, approved_at) as waiting_since,
        cast(null as timestamp) as due_at
    from budget_actions
    where
        changed_after_approval is not null
        and compliance_status = 'violation'

),

final as (

    select * from breaches
    union all
    select * from unapproved_changes

)

select * from final
