with risks as (

    select * from {{ ref('risk_inbox') }}

),

risk_signals as (

    select * from {{ ref('risk_escalation') }}

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

final as (

    select
        urgent_risks.priority_rank,
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

)

select * from final
