with findings as (

    select * from {{ ref('int_risk_vigilance') }}
    where not is_reported

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

final as (

    select
        findings.finding_id,
        findings.definition,
        findings.risk_type,
        findings.severity,
        cast(findings.severity_rank as integer) as severity_rank,
        findings.record_kind,
        findings.record_id,
        findings.campaign_id,
        campaigns.campaign_name,
        findings.fact,
        findings.first_seen_on,
        findings.first_seen_at,
        findings.last_seen_on,
        findings.is_current,
        cast(findings.cost_since as decimal(18, 2)) as cost_since,
        findings.nearest_risk_id,
        findings.nearest_risk_type,
        findings.nearest_minutes_after
    from findings
    inner join campaigns using (campaign_id)

)

select * from final
