{#- Of each finding: what it cost, and the signal that reports it, if one does. -#}
with findings as (

    select * from {{ ref('int_risk_findings') }}

),

signals as (

    select * from {{ ref('int_finding_signals') }}

),

experiments as (

    select * from {{ ref('int_experiments') }}

),

spend_days as (

    select * from {{ ref('int_performance_days') }}

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

assets_of_findings as (

    select
        finding_id,
        first_seen_on,
        last_seen_on,
        record_id as asset_id
    from findings
    where record_kind = 'asset'

    union all

    select
        findings.finding_id,
        findings.first_seen_on,
        findings.last_seen_on,
        experiments.control_asset_id as asset_id
    from findings
    inner join experiments
        on findings.record_id = experiments.experiment_id
    where findings.record_kind = 'experiment'

    union all

    select
        findings.finding_id,
        findings.first_seen_on,
        findings.last_seen_on,
        experiments.variant_asset_id as asset_id
    from findings
    inner join experiments
        on findings.record_id = experiments.experiment_id
    where findings.record_kind = 'experiment'

),

costs as (

    select
        assets.finding_id,
        sum(spend_days.spend) as cost_since,
        sum(case when spend_days.day <= cast(ranked_signals.raised_at as date) then spend_days.spend else 0 end)
            as cost_until_signal
    from assets_of_findings as assets
    inner join spend_days
        on
            assets.asset_id = spend_days.asset_id
            and spend_days.day between assets.first_seen_on and assets.last_seen_on
    left join ranked_signals
        on
            assets.finding_id = ranked_signals.finding_id
            and ranked_signals.report_order = 1
    group by assets.finding_id

),

final as (

    select
        findings.*,
        coalesce(costs.cost_since, 0) as cost_since,
        coalesce(reports.is_report, false) as is_reported,
        case when reports.is_report then reports.risk_id end as reported_by_risk_id,
        case when reports.is_report then reports.report_link end as report_link,
        -- A signal before the facts were sure was in time.
        case when reports.is_report then greatest(reports.minutes_after, 0) end as minutes_to_report,
        case when reports.is_report then coalesce(costs.cost_until_signal, 0) end as cost_until_report,
        nearest.risk_id as nearest_risk_id,
        nearest.risk_type as nearest_risk_type,
        nearest.minutes_after as nearest_minutes_after
    from findings
    left join costs
        on findings.finding_id = costs.finding_id
    left join ranked_signals as reports
        on
            findings.finding_id = reports.finding_id
            and reports.report_order = 1
    left join ranked_signals as nearest
        on
            findings.finding_id = nearest.finding_id
            and nearest.nearness = 1

)

select * from final
