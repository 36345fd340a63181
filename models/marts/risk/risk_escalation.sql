with risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

facts as (

    select * from {{ ref('int_risk_signal_facts') }}

),

evidence_checks as (

    select * from {{ ref('int_risk_evidence') }}

),

facts_checks as (

    select * from {{ ref('int_signal_facts_checks') }}

),

status_changes as (

    select * from {{ ref('status_history') }}
    where
        dataset = 'campaign_risk_signals'
        and attribute = 'status'

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

severities as (

    select * from {{ ref('risk_severities') }}

),

policy as (

    select
        escalating.severity_rank as escalating_rank,
        medium.severity_rank as medium_rank
    from severities as escalating
    cross join severities as medium
    where
        escalating.severity = '{{ var("escalation_severity_minimum") }}'
        and medium.severity = 'medium'

),

judged_signals as (

    select
        risk_signals.*,
        facts.spend as exposure_spend,
        facts.data_confidence,
        risk_signals.is_unresolved and risk_signals.severity_rank >= policy.escalating_rank as escalates_by_severity,
        coalesce(
            risk_signals.is_unresolved
            and risk_signals.severity_rank = policy.medium_rank
            and facts.spend >= {{ var('escalation_medium_spend_minimum') }}
            and facts.data_confidence >= {{ var('escalation_medium_confidence_minimum') }},
            false
        ) as escalates_by_exposure
    from risk_signals
    inner join facts using (risk_id)
    cross join policy

),

-- A signal is one episode, however often it was reopened.
episodes as (

    select
        record_id,
        min(seen_at) as first_seen_at,
        max(case when not {{ is_unresolved('to_value') }} then seen_at end) as last_closed_seen_at,
        sum(case when is_reopening then 1 else 0 end) as reopened_count
    from status_changes
    group by record_id

),

final as (

    select
        judged_signals.risk_id,
        judged_signals.campaign_id,
        judged_signals.experiment_id,
        {{ experiment_key('judged_signals.experiment_id') }} as experiment_key,
        campaigns.campaign_name,
        judged_signals.raised_at,
        judged_signals.risk_type,
        judged_signals.severity,
        judged_signals.severity_rank,
        judged_signals.recommended_action,
        judged_signals.status,
        judged_signals.is_unresolved,
        episodes.first_seen_at,
        case when not judged_signals.is_unresolved then episodes.last_closed_seen_at end as closing_seen_at,
        cast(coalesce(episodes.reopened_count, 0) as integer) as reopened_count,
        cast(judged_signals.exposure_spend as decimal(18, 2)) as exposure_spend,
        judged_signals.data_confidence,
        judged_signals.escalates_by_severity or judged_signals.escalates_by_exposure as escalation_required,
        case
            when judged_signals.escalates_by_severity
                then
                    'Unresolved with severity ' || judged_signals.severity
                    || '; policy escalates from {{ var("escalation_severity_minimum") }}.'
            when judged_signals.escalates_by_exposure
                then
                    'Unresolved medium signal with {{ var("reporting_currency") }} '
                    || {{ money_text('judged_signals.exposure_spend') }}
                    || ' exposed and data confidence ' || {{ number_text('judged_signals.data_confidence') }} || '.'
        end as escalation_reason,
        judged_signals.requires_human_review,
        judged_signals.reviewed_by_decision_id,
        judged_signals.review_link,
        judged_signals.reviewed_at,
        {{ minutes_between('judged_signals.raised_at', 'judged_signals.reviewed_at') }} as response_minutes,
        judged_signals.review_due_at,
        judged_signals.review_state,
        case
            when evidence_checks.risk_id is null then 'not_checkable'
            when evidence_checks.has_mismatch then 'mismatch'
            else 'match'
        end as evidence_check,
        evidence_checks.mismatches as evidence_mismatches,
        facts_checks.facts_check,
        judged_signals.evidence,
        -- Null-safe: a partition treats nulls as equal.
        nullif(
            min(judged_signals.risk_id) over (
                partition by
                    judged_signals.campaign_id,
                    judged_signals.experiment_id,
                    {{ json_string_list('judged_signals.asset_ids') }},
                    judged_signals.risk_type,
                    judged_signals.severity,
                    judged_signals.evidence,
                    judged_signals.recommended_action,
                    judged_signals.raised_at
            ),
            judged_signals.risk_id
        ) as possible_duplicate_of
    from judged_signals
    inner join campaigns using (campaign_id)
    left join facts_checks using (risk_id)
    left join evidence_checks using (risk_id)
    left join episodes
        on judged_signals.risk_id = episodes.record_id

)

select * from final
