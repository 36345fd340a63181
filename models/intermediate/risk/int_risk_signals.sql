with risk_signals as (

    select * from {{ ref('stg_campaign_risk_signals') }}

),

severities as (

    select * from {{ ref('risk_severities') }}

),

decisions as (

    select * from {{ ref('int_decisions') }}

),

subjects as (

    select * from {{ ref('int_decision_subjects') }}

),

risk_assets as (

    select * from {{ ref('int_risk_assets') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

known_signals as (

    select
        risk_signals.*,
        as_of.as_of,
        severities.severity_rank,
        {{ array_length(json_string_list('risk_signals.asset_ids')) }} > 0 as names_assets,
        {{ is_unresolved('risk_signals.status') }} as is_unresolved,
        severities.always_requires_review,
        severities.always_requires_review or risk_signals.recommended_action = 'human_review' as requires_human_review,
        {{ add_minutes('risk_signals.raised_at', 'severities.review_minutes') }} as review_due_at
    from risk_signals
    cross join as_of
    inner join severities using (severity)
    where risk_signals.raised_at <= as_of.as_of

),

decisions_by_people as (

    select
        decisions.decision_id,
        decisions.campaign_id,
        decisions.decided_at,
        max(case when subjects.record_kind = 'risk' then 1 else 0 end) = 1 as names_a_risk,
        -- Every decision has a campaign, so its campaign's id does not show what it is about.
        max(case
            when subjects.record_kind <> 'campaign' or subjects.record_id <> decisions.campaign_id then 1 else 0
        end) = 1 as names_a_record
    from decisions
    left join subjects using (decision_id)
    where decisions.is_human_override
    group by decisions.decision_id, decisions.campaign_id, decisions.decided_at

),

-- The records that a signal is about, besides itself.
named_records as (

    select
        risk_id,
        'experiment' as record_kind,
        experiment_id as record_id
    from known_signals
    where experiment_id is not null

    union all

    select
        risk_id,
        'asset' as record_kind,
        asset_id as record_id
    from risk_assets

),

-- A decision answers the signal that it names; if it names none, a signal about the experiment or asset that it names;
-- if it names nothing, any signal of its campaign.
answers as (

    select
        known_signals.risk_id,
        subjects.decision_id,
        1 as link_order
    from known_signals
    inner join subjects
        on
            known_signals.risk_id = subjects.record_id
            and subjects.record_kind = 'risk'

    union all

    select
        named_records.risk_id,
        decisions_by_people.decision_id,
        2 as link_order
    from named_records
    inner join subjects using (record_kind, record_id)
    inner join decisions_by_people using (decision_id)
    where not decisions_by_people.names_a_risk

    union all

    select
        known_signals.risk_id,
        decisions_by_people.decision_id,
        3 as link_order
    from known_signals
    inner join decisions_by_people using (campaign_id)
    where
        known_signals.requires_human_review
        and not decisions_by_people.names_a_record

),

-- The earliest decision at or after the signal; the lower id of two at one time.
reviews as (

    select
        known_signals.risk_id,
        decisions_by_people.decision_id,
        decisions_by_people.decided_at,
        case when answers.link_order < 3 then 'named' else 'inferred' end as review_link,
        row_number() over (
            partition by known_signals.risk_id
            order by answers.link_order, decisions_by_people.decided_at, decisions_by_people.decision_id
        ) as answer_order
    from answers
    inner join known_signals using (risk_id)
    inner join decisions_by_people using (decision_id)
    where known_signals.raised_at <= decisions_by_people.decided_at

),

final as (

    select
        known_signals.risk_id,
        known_signals.campaign_id,
        known_signals.experiment_id,
        known_signals.asset_ids,
        known_signals.names_assets,
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
        reviews.review_link,
        case
            when not known_signals.requires_human_review and reviews.decision_id is not null then 'reviewed'
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
            and reviews.answer_order = 1

)

select * from final
