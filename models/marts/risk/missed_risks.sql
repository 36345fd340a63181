with findings as (

    select * from {{ ref('risk_findings') }}
    where report_state = 'missed'

),

final as (

    select
        finding_id,
        definition,
        risk_type,
        severity,
        severity_rank,
        record_kind,
        record_id,
        campaign_id,
        campaign_name,
        fact,
        first_seen_on,
        first_seen_at,
        last_seen_on,
        is_current,
        cost_since,
        nearest_risk_id,
        nearest_risk_type,
        nearest_minutes_after
    from findings

)

select * from final
