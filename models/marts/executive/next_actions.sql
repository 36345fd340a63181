with risks as (

    select * from {{ ref('risk_inbox') }}

),

risk_signals as (

    select * from {{ ref('risk_escalation') }}

),

violations as (

    select * from {{ ref('contract_violations') }}

),

budget_actions as (

    select * from {{ ref('budget_action_audit') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

daily_spend as (

    select * from {{ ref('int_daily_spend') }}
    where record_kind = 'risk'

),

urgent_risks as (

    select
        risks.*,
        risk_signals.reviewed_by_decision_id,
        risk_signals.reviewed_at
    from risks
    inner join risk_signals using (risk_id)
    where
        risks.severity = 'critical'
        or risks.review_state = 'overdue'

),

risks_to_handle as (

    select
        1 as type_order,
        urgent_risks.priority_rank as rank_within_type,
        'handle_risk' as action_type,
        urgent_risks.risk_id as record_id,
        urgent_risks.campaign_id,
        urgent_risks.why as reason,
        urgent_risks.what_to_do,
        cast(null as decimal(18, 2)) as amount,
        cast(null as string) as currency,
        daily_spend.spend_per_day,
        urgent_risks.reviewed_by_decision_id as answered_by_decision_id,
        urgent_risks.reviewed_at as answered_at,
        urgent_risks.raised_at as waiting_since,
        urgent_risks.review_due_at as due_at
    from urgent_risks
    left join daily_spend
        on urgent_risks.risk_id = daily_spend.record_id

),

-- No decision undoes a breach; a waiver does. A risk that is to be handled is not a breach to resolve as well.
breaches as (

    select
        2 as type_order,
        cast(null as integer) as rank_within_type,
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
    left join risks_to_handle
        on
            violations.rule = 5
            and violations.record_key = risks_to_handle.record_id
            and risks_to_handle.answered_by_decision_id is null
    where
        not violations.is_waived
        and risks_to_handle.record_id is null

),

-- What was approved is not what moves: no rule of the contract, and money without approval all the same.
unapproved_changes as (

    select
        2 as type_order,
        cast(null as integer) as rank_within_type,
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

-- What was approved or rejected is no longer pending, whichever decision names it.
pending_actions as (

    select
        3 as type_order,
        cast(null as integer) as rank_within_type,
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

),

actions as (

    select * from risks_to_handle
    union all
    select * from breaches
    union all
    select * from unapproved_changes
    union all
    select * from pending_actions
    {%- for model in ['int_asset_actions', 'int_experiment_actions', 'int_segment_actions'] %}
    union all
    select
        {{ loop.index + 3 }} as type_order,
        cast(null as integer) as rank_within_type,
        action_type,
        record_id,
        campaign_id,
        reason,
        what_to_do,
        cast(null as decimal(18, 2)) as amount,
        cast(null as string) as currency,
        spend_per_day,
        answered_by_decision_id,
        answered_at,
        waiting_since,
        cast(null as timestamp) as due_at
    from {{ ref(model) }}
    {%- endfor %}

),

-- Of a campaign that has ended nothing is left to steer; its money and its risks are.
standing_actions as (

    select
        actions.*,
        campaigns.campaign_name,
        case when actions.answered_by_decision_id is null then 'open' else 'decided' end as action_state,
        coalesce(actions.amount, actions.spend_per_day) as amount_at_stake
    from actions
    left join campaigns using (campaign_id)
    where
        actions.type_order <= 3
        or actions.answered_by_decision_id is not null
        or not campaigns.has_ended

),

final as (

    select
        case
            when action_state = 'open'
                then cast(row_number() over (
                    partition by action_state
                    order by
                        type_order asc,
                        rank_within_type asc nulls last,
                        -- To stop comes before to scale.
                        action_type desc,
                        amount_at_stake desc nulls last,
                        record_id asc
                ) as integer)
        end as action_rank,
        action_type,
        record_id,
        campaign_id,
        campaign_name,
        reason,
        what_to_do,
        amount_at_stake,
        case
            when amount_at_stake is not null then coalesce(currency, '{{ var("reporting_currency") }}')
        end as currency,
        case
            when amount is not null then 'amount'
            when spend_per_day is not null then 'spend_per_day'
        end as stake_basis,
        action_state,
        answered_by_decision_id,
        answered_at,
        waiting_since,
        due_at
    from standing_actions

)

select * from final
