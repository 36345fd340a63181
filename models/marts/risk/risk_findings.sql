with findings as (

    select * from {{ ref('int_risk_findings') }}

),

signals as (

    select * from {{ ref('int_finding_signals') }}

),

days as (

    select * from {{ ref('int_finding_days') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

ranked_signals as (

    select
        *,
        row_number() over (
            partition by finding_id
            order by case when is_report then 0 else 1 end, raised_at, risk_id
        ) as report_order,
        row_number() over (
            partition by finding_id
            order by abs(minutes_after), risk_id
        ) as nearness
    from signals

),

reports as (

    select * from ranked_signals
    where
        report_order = 1
        and is_report

),

nearest_signals as (

    select * from ranked_signals
    where nearness = 1

),

costs as (

    select
        days.finding_id,
        sum(days.spend) as cost_since,
        sum(case when days.day <= cast(reports.raised_at as date) then days.spend else 0 end) as cost_until_report
    from days
    left join reports
        on days.finding_id = reports.finding_id
    group by days.finding_id

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
        case
            when reports.finding_id is not null then 'reported'
            when as_of.as_of < {{ add_minutes('findings.first_seen_at', 60 * var('risk_report_hours')) }} then 'not_due'
            else 'missed'
        end as report_state,
        reports.risk_id as reported_by_risk_id,
        reports.report_link,
        -- A signal raised before the data showed the finding was in time.
        case when reports.minutes_after < 0 then 0 else reports.minutes_after end as minutes_to_report,
        cast(coalesce(costs.cost_since, 0) as decimal(18, 2)) as cost_since,
        cast(case when reports.finding_id is not null then coalesce(costs.cost_until_report, 0) end as decimal(18, 2))
            as cost_until_report,
        nearest_signals.risk_id as nearest_risk_id,
        nearest_signals.risk_type as nearest_risk_type,
        nearest_signals.minutes_after as nearest_minutes_after
    from findings
    cross join as_of
    inner join campaigns
        on findings.campaign_id = campaigns.campaign_id
    left join costs
        on findings.finding_id = costs.finding_id
    left join reports
        on findings.finding_id = reports.finding_id
    left join nearest_signals
        on findings.finding_id = nearest_signals.finding_id

)

select * from final
