with findings as (

    select * from {{ ref('int_risk_findings') }}

),

risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

concerns as (

    select * from {{ ref('risk_concerns') }}

),

signal_records as (

    select * from {{ ref('int_signal_records') }}

),

same_concern as (

    select
        one.risk_type,
        other.risk_type as reported_as
    from concerns as one
    inner join concerns as other
        on one.concern = other.concern
    group by one.risk_type, other.risk_type

),

final as (

    select
        findings.finding_id,
        risk_signals.risk_id,
        risk_signals.risk_type,
        risk_signals.raised_at,
        case when risk_signals.names_assets or risk_signals.experiment_id is not null then 'named' else 'inferred' end
            as report_link,
        {{ minutes_between('findings.first_seen_at', 'risk_signals.raised_at') }} as minutes_after,
        -- A finding over all reports can be reported early; a spike or a gap only from its first day on.
        same_concern.reported_as is not null
        and risk_signals.raised_at <= {{ end_of_day(add_days('findings.last_seen_on', var('risk_report_days'))) }}
        and cast(risk_signals.raised_at as date)
        >= findings.facts_from as is_report
    from findings
    inner join signal_records
        on
            findings.record_kind = signal_records.record_kind
            and findings.record_id = signal_records.record_id
    inner join risk_signals
        on signal_records.risk_id = risk_signals.risk_id
    left join same_concern
        on
            findings.risk_type = same_concern.risk_type
            and risk_signals.risk_type = same_concern.reported_as

)

select * from final
