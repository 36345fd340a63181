with risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

final as (

    select
        5 as rule,
        risk_id as record_key,
        campaign_id,
        case review_state
            when 'overdue'
                then
                    'severity ' || severity || ': due ' || {{ timestamp_text('review_due_at') }}
                    || ', not reviewed yet'
            when 'reviewed_late'
                then
                    'severity ' || severity || ': due ' || {{ timestamp_text('review_due_at') }}
                    || ', reviewed ' || {{ timestamp_text('reviewed_at') }} || ' by ' || reviewed_by_decision_id
        end as what_is_wrong
    from risk_signals
    where
        is_unresolved
        and requires_human_review
        and review_state in ('overdue', 'reviewed_late')

)

select * from final
