with concerns as (

    select * from {{ ref('risk_concerns') }}

),

finding_figures as (

    select * from {{ ref('int_finding_figures') }}

),

signals as (

    select * from {{ ref('risk_escalation') }}

),

risk_types as (

    select risk_type from concerns
    group by risk_type

    union all

    select 'all' as risk_type

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
        cast(case when finding_figures.reported > 0 then finding_figures.cost_until_report end as decimal(18, 2))
            as cost_until_report,
        cast(case when finding_figures.missed > 0 then finding_figures.cost_missed end as decimal(18, 2))
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
    left join signal_figures
        on risk_types.risk_type = signal_figures.risk_type

)

select * from final
