with risk_findings as (

    select * from {{ ref('risk_findings') }}

),

days as (

    select * from {{ ref('int_finding_days') }}

),

signals as (

    select * from {{ ref('risk_escalation') }}

),

findings as (

    select
        risk_findings.*,
        cast(signals.raised_at as date) as reported_on
    from risk_findings
    left join signals
        on risk_findings.reported_by_risk_id = signals.risk_id

),

-- Findings without a due signal are neither reported nor missed.
findings_by_type as (
    {%- for type in ['risk_type', "'all'"] %}

    select
        {{ type }}{{ ' as risk_type' if not loop.first }},
        finding_id,
        report_state = 'reported' as is_reported,
        report_state = 'missed' as is_missed,
        coalesce(reported_by_risk_id, record_id) as case_id,
        minutes_to_report,
        reported_on
    from findings
    where report_state <> 'not_due'
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

-- Several findings can share an asset's day, whose spend counts once.
days_by_type as (

    select
        findings_by_type.risk_type,
        days.asset_id,
        days.day,
        max(case when findings_by_type.is_missed then days.spend end) as spend_missed,
        max(case when days.day <= findings_by_type.reported_on then days.spend end) as spend_until_report
    from findings_by_type
    inner join days
        on findings_by_type.finding_id = days.finding_id
    group by findings_by_type.risk_type, days.asset_id, days.day

),

cost_figures as (

    select
        risk_type,
        sum(spend_missed) as cost_missed,
        sum(spend_until_report) as cost_until_report
    from days_by_type
    group by risk_type

),

summed as (

    select
        risk_type,
        count(*) as findings,
        sum(case when is_reported then 1 else 0 end) as reported,
        sum(case when is_missed then 1 else 0 end) as missed,
        count(distinct case_id) as cases,
        -- Findings of one signal, or of one record, are seen or missed together, and count as one.
        {{ rate('sum(case when is_reported then 1 else 0 end)', 'count(*)') }} * count(distinct case_id)
            as reported_cases,
        median(minutes_to_report) as median_minutes_to_report
    from findings_by_type
    group by risk_type

),

final as (

    select
        summed.*,
        coalesce(cost_figures.cost_missed, 0) as cost_missed,
        coalesce(cost_figures.cost_until_report, 0) as cost_until_report
    from summed
    left join cost_figures
        on summed.risk_type = cost_figures.risk_type

)

select * from final
