with risk_signals as (

    select * from {{ ref('risk_escalation') }}
    where is_unresolved

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

final as (

    select
        risk_signals.risk_id,
        risk_signals.campaign_id,
        risk_signals.experiment_id,
        risk_signals.experiment_key,
        risk_signals.campaign_name,
        cast(row_number() over (
            order by
                risk_signals.severity_rank desc,
                case when risk_signals.review_state = 'overdue' then 0 else 1 end asc,
                risk_signals.exposure_spend desc nulls last,
                risk_signals.raised_at asc,
                risk_signals.risk_id asc
        ) as integer) as priority_rank,
        risk_signals.risk_type,
        risk_signals.severity,
        risk_signals.status,
        risk_signals.raised_at,
        {{ minutes_between('risk_signals.raised_at', 'as_of.as_of') }} as waiting_minutes,
        risk_signals.exposure_spend,
        risk_signals.escalation_required,
        risk_signals.review_state,
        risk_signals.review_due_at,
        risk_signals.evidence_check,
        replace(risk_signals.risk_type, '_', ' ') || ' in ' || risk_signals.campaign_name
        || ': severity ' || risk_signals.severity
        || case
            when risk_signals.exposure_spend is not null
                then
                    ', {{ var("reporting_currency") }} '
                    || {{ money_text('risk_signals.exposure_spend') }} || ' spent up to the signal'
            else ''
        end
        || case risk_signals.evidence_check
            when 'mismatch' then '; its evidence differs from the facts (' || risk_signals.evidence_mismatches || ')'
            else ''
        end as why,
        case
            when risk_signals.review_state = 'overdue' then 'Review now, the time for it is over; then: '
            when risk_signals.review_state = 'awaiting_review' then 'Review in time; then: '
            when risk_signals.reviewed_by_decision_id is not null
                then 'Reviewed (' || risk_signals.reviewed_by_decision_id || '); follow up: '
            else ''
        end
        || case
            -- The recommended review is done.
            when
                risk_signals.recommended_action = 'human_review'
                and risk_signals.reviewed_by_decision_id is not null
                then 'what was decided'
            else replace(risk_signals.recommended_action, '_', ' ')
        end as what_to_do
    from risk_signals
    cross join as_of

)

select * from final
