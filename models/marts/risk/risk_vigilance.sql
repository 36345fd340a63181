with concerns as (

    select * from {{ ref('risk_concerns') }}

),

risk_findings as (

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

risk_types as (

    select risk_type from concerns
    group by risk_type

    union all

    select 'all' as risk_type

),

-- What no signal was due for yet is neither seen nor missed.
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

-- An asset can be found by several definitions, and spends a day's money once.
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

signals_by_type as (

    select
        risk_type,
        facts_check
    from signals

    union all

    select
        'all' as risk_type,
        facts_check
    from signals

),

finding_figures as (

    select
        risk_type,
        count(*) as findings,
        sum(case when is_reported then 1 else 0 end) as reported,
        sum(case when is_missed then 1 else 0 end) as missed,
        count(distinct case_id) as cases,
        -- Findings that one signal reports, or of one record, are seen or missed together, and count as one.
        {{ rate('sum(case when is_reported then 1 else 0 end)', 'count(*)') }} * count(distinct case_id)
            as reported_cases,
        median(minutes_to_report) as median_minutes_to_report
    from findings_by_type
    group by risk_type

),

signal_figures as (

    select
        risk_type,
        count(*) as signals,
        sum(case when facts_check = 'borne_out' then 1 else 0 end) as borne_out,
        sum(case when facts_check = 'not_borne_out' then 1 else 0 end) as not_borne_out,
        sum(case when facts_check <> 'not_checkable' then 1 else 0 end) as checkable
    from signals_by_type
    group by risk_type

),

final as (

    select
        risk_types.risk_type,
        cast(coalesce(finding_figures.findings, 0) as integer) as findings,
        cast(coalesce(finding_figures.reported, 0) as integer) as reported,
        cast(coalesce(finding_figures.missed, 0) as integer) as missed,
        cast(coalesce(finding_figures.cases, 0) as integer) as cases,
        {{ rate('finding_figures.reported', 'finding_figures.findings') }} as reported_share,
        {{ wilson_bound('finding_figures.reported_cases', 'finding_figures.cases', 'low') }} as reported_ci_low,
        {{ wilson_bound('finding_figures.reported_cases', 'finding_figures.cases', 'high') }} as reported_ci_high,
        case
            when finding_figures.cases >= {{ var('track_record_minimum') }} then 'judged'
            else 'not_enough'
        end as status,
        cast(finding_figures.median_minutes_to_report as double) as median_minutes_to_report,
        cast(
            case when finding_figures.reported > 0 then coalesce(cost_figures.cost_until_report, 0) end
            as decimal(18, 2)
        ) as cost_until_report,
        cast(case when finding_figures.missed > 0 then coalesce(cost_figures.cost_missed, 0) end as decimal(18, 2))
            as cost_missed,
        cast(coalesce(signal_figures.signals, 0) as integer) as signals,
        cast(coalesce(signal_figures.borne_out, 0) as integer) as borne_out,
        cast(coalesce(signal_figures.not_borne_out, 0) as integer) as not_borne_out,
        cast(coalesce(signal_figures.signals - signal_figures.checkable, 0) as integer) as not_checkable,
        {{ rate('signal_figures.borne_out', 'signal_figures.checkable') }} as borne_out_share,
        {{ wilson_bound('signal_figures.borne_out', 'signal_figures.checkable', 'low') }} as borne_out_ci_low,
        {{ wilson_bound('signal_figures.borne_out', 'signal_figures.checkable', 'high') }} as borne_out_ci_high,
        case
            when signal_figures.checkable >= {{ var('track_record_minimum') }} then 'judged'
            else 'not_enough'
        end as borne_out_status
    from risk_types
    left join finding_figures
        on risk_types.risk_type = finding_figures.risk_type
    left join cost_figures
        on risk_types.risk_type = cost_figures.risk_type
    left join signal_figures
        on risk_types.risk_type = signal_figures.risk_type

)

select * from final
