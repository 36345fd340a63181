with risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

reports as (

    select * from {{ ref('int_finding_signals') }}
    where is_report

),

checks as (

    select * from {{ ref('int_risk_checks') }}
    where is_enough

),

definitions as (

    select * from {{ ref('risk_definitions') }}

),

concerns as (

    select * from {{ ref('risk_concerns') }}

),

scope as (

    select * from {{ ref('int_risk_scope') }}

),

reported_findings as (

    select
        risk_id,
        count(*) as findings
    from reports
    group by risk_id

),

-- What the data could have shown of a signal's concern by then, and of which it shows nothing.
refuting_checks as (

    select
        risk_signals.risk_id,
        count(*) as checks
    from risk_signals
    inner join concerns as own_concern
        on risk_signals.risk_type = own_concern.risk_type
    inner join concerns as definition_concern
        on own_concern.concern = definition_concern.concern
    inner join definitions
        on
            definition_concern.risk_type = definitions.risk_type
            and definitions.can_refute
    inner join scope
        on risk_signals.risk_id = scope.risk_id
    inner join checks
        on
            definitions.definition = checks.definition
            and scope.asset_id = checks.record_id
            and checks.record_kind = 'asset'
            and risk_signals.raised_at >= checks.checked_at
    group by risk_signals.risk_id

),

final as (

    select
        risk_signals.risk_id,
        case
            when reported_findings.risk_id is not null then 'borne_out'
            when refuting_checks.risk_id is not null then 'not_borne_out'
            else 'not_checkable'
        end as facts_check
    from risk_signals
    left join reported_findings
        on risk_signals.risk_id = reported_findings.risk_id
    left join refuting_checks
        on risk_signals.risk_id = refuting_checks.risk_id

)

select * from final
