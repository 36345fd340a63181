with risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

reports as (

    select * from {{ ref('int_finding_signals') }}
    where is_report

),

checks as (

    select * from {{ ref('int_risk_checks') }}

),

definitions as (

    select * from {{ ref('risk_definitions') }}

),

signal_records as (

    select * from {{ ref('int_signal_records') }}

),

reported_findings as (

    select risk_id
    from reports
    group by risk_id

),

-- The latest check of each record, for the signal's type, when the signal was raised.
known_checks as (

    select
        risk_signals.risk_id,
        checks.is_refuted,
        row_number() over (
            partition by risk_signals.risk_id, checks.definition, checks.record_id
            order by checks.checked_on desc
        ) as recency
    from risk_signals
    inner join definitions
        on risk_signals.risk_type = definitions.risk_type
    inner join signal_records
        on
            risk_signals.risk_id = signal_records.risk_id
            and definitions.record_kind = signal_records.record_kind
    inner join checks
        on
            definitions.definition = checks.definition
            and signal_records.record_id = checks.record_id
            and risk_signals.raised_at >= checks.checked_at

),

-- The data contradicts a signal where it does so for every record in its scope.
refuted_signals as (

    select risk_id
    from known_checks
    where recency = 1
    group by risk_id
    having min(case when is_refuted then 1 else 0 end) = 1

),

final as (

    select
        risk_signals.risk_id,
        case
            when reported_findings.risk_id is not null then 'borne_out'
            when refuted_signals.risk_id is not null then 'not_borne_out'
            else 'not_checkable'
        end as facts_check
    from risk_signals
    left join reported_findings
        on risk_signals.risk_id = reported_findings.risk_id
    left join refuted_signals
        on risk_signals.risk_id = refuted_signals.risk_id

)

select * from final
