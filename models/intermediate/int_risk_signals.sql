with risk_signals as (

    select * from {{ ref('stg_campaign_risk_signals') }}

),

severities as (

    select * from {{ ref('risk_severities') }}

),

decisions as (

    select * from {{ ref('int_decisions') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

known_signals as (

    select
        risk_signals.*,
        as_of.as_of,
        severities.severity_rank,
        {{ is_unresolved('risk_signals.status') }} as is_unresolved,
        severities.always_requires_review,
        severities.always_requires_review or risk_signals.recommended_action = 'human_review' as requires_human_review,
        {{ add_minutes('risk_signals.raised_at', 'severities.review_minutes') }} as review_due_at
    from risk_signals
    cross join as_of
    inner join severities using (severity)
    where risk_signals.raised_at <= as_of.as_of

),

-- The campaign's first decision by a person at or after the signal; of two at once, the first id.
reviews as (

    select
        known_signals.risk_id,
        decisions.decision_id,
        decisions.decided_at,
        row_number() over (
            partition by known_signals.risk_id
            order by decisions.decided_at, decisions.decision_id
        ) as decision_order
    from known_signals
    inner join decisions
        on
            known_signals.campaign_id = decisions.campaign_id
            and decisions.is_human_override
            and known_signals.raised_at <= decisions.decided_at
    where known_signals.requires_human_review

),

final as (

    select
        known_signals.risk_id,
        known_signals.campaign_id,
        known_signals.experiment_id,
        known_signals.asset_ids,
        known_signals.risk_type,
        known_signals.severity,
        known_signals.severity_rank,
        known_signals.evidence,
        known_signals.recommended_action,
        known_signals.status,
        known_signals.raised_at,
        known_signals.as_of,
        known_signals.is_unresolved,
        known_signals.requires_human_review,
        case when known_signals.requires_human_review then known_signals.review_due_at end as review_due_at,
        reviews.decision_id as reviewed_by_decision_id,
        reviews.decided_at as reviewed_at,
        case
            when not known_signals.requires_human_review and known_signals.is_unresolved then 'not_required'
            when not known_signals.requires_human_review then 'closed'
            when reviews.decided_at <= known_signals.review_due_at then 'reviewed'
            when reviews.decided_at > known_signals.review_due_at then 'reviewed_late'
            when known_signals.is_unresolved and known_signals.as_of > known_signals.review_due_at then 'overdue'
            when known_signals.is_unresolved then 'awaiting_review'
            when known_signals.always_requires_review then 'closed_without_review'
            else 'closed'
        end as review_state
    from known_signals
    left join reviews
        on
            known_signals.risk_id = reviews.risk_id
            and reviews.decision_order = 1

)

select * from final
