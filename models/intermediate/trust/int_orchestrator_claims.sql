with figures as (

    select * from {{ ref('segment_rollup_reconciliation') }}

),

recommendations as (

    select * from {{ ref('int_recommendation_claims') }}

),

risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

evidence_checks as (

    select * from {{ ref('int_risk_evidence') }}

),

experiment_calls as (

    select * from {{ ref('int_experiment_calls') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

claims as (

    select
        'reported_figure' as claim_kind,
        rollup_id || ' ' || measure as claim_id,
        rollup_id as record_id,
        campaign_id,
        {{ end_of_day('window_end') }} as claimed_at,
        case status
            when 'match' then 'borne_out'
            when 'mismatch' then 'not_borne_out'
            else 'not_checkable'
        end as outcome,
        coalesce(
            replace(measure, '_', ' ') || ' reported ' || {{ number_text('reported_value') }}
            || ', measured ' || {{ number_text('computed_value') }} || '.',
            replace(measure, '_', ' ') || ' cannot be computed from what was measured.'
        ) as reason
    from figures

    union all

    select
        'recommendation' as claim_kind,
        rollup_id as claim_id,
        rollup_id as record_id,
        campaign_id,
        {{ end_of_day('window_end') }} as claimed_at,
        outcome,
        reason
    from recommendations

    union all

    select
        'risk_evidence' as claim_kind,
        risk_signals.risk_id as claim_id,
        risk_signals.risk_id as record_id,
        risk_signals.campaign_id,
        risk_signals.raised_at as claimed_at,
        case
            when evidence_checks.risk_id is null then 'not_checkable'
            when evidence_checks.has_mismatch then 'not_borne_out'
            else 'borne_out'
        end as outcome,
        case
            when evidence_checks.risk_id is null then 'It quotes no figure that the warehouse knows.'
            when evidence_checks.has_mismatch then evidence_checks.mismatches || '.'
            else 'Every figure that can be checked agrees.'
        end as reason
    from risk_signals
    left join evidence_checks
        on risk_signals.risk_id = evidence_checks.risk_id

    union all

    select
        'risk_signal' as claim_kind,
        risk_id as claim_id,
        risk_id as record_id,
        campaign_id,
        raised_at as claimed_at,
        case status
            when 'mitigated' then 'borne_out'
            when 'dismissed' then 'not_borne_out'
            else 'not_checkable'
        end as outcome,
        'Its status is ' || replace(status, '_', ' ') || '.' as reason
    from risk_signals

    union all

    select
        'experiment_call' as claim_kind,
        experiment_id as claim_id,
        experiment_id as record_id,
        campaign_id,
        {{ end_of_day('end_date') }} as claimed_at,
        outcome,
        reason
    from experiment_calls

),

final as (

    select
        claims.claim_kind,
        claims.claim_id,
        claims.record_id,
        claims.campaign_id,
        -- An exported claim was made by then, even if its window or day is not over.
        least(claims.claimed_at, as_of.as_of) as claimed_at,
        claims.outcome,
        claims.reason
    from claims
    cross join as_of

)

select * from final
