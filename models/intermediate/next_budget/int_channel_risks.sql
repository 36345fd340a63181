with risk_signals as (

    select * from {{ ref('risk_escalation') }}
    where is_unresolved

),

risk_scope as (

    select * from {{ ref('int_risk_scope') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

severities as (

    select * from {{ ref('risk_severities') }}

),

-- A signal on several assets of a channel counts once.
channel_signals as (

    select
        assets.campaign_id,
        assets.channel_id,
        risk_signals.risk_id,
        risk_signals.severity_rank,
        risk_signals.escalation_required
    from risk_signals
    inner join risk_scope
        on risk_signals.risk_id = risk_scope.risk_id
    inner join assets
        on risk_scope.asset_id = assets.asset_id
    group by
        assets.campaign_id,
        assets.channel_id,
        risk_signals.risk_id,
        risk_signals.severity_rank,
        risk_signals.escalation_required

),

counted as (

    select
        campaign_id,
        channel_id,
        count(*) as open_risks,
        max(severity_rank) as worst_open_rank,
        max(case when escalation_required then 1 else 0 end) = 1 as has_escalating_risk
    from channel_signals
    group by campaign_id, channel_id

),

final as (

    select
        counted.campaign_id,
        counted.channel_id,
        cast(counted.open_risks as integer) as open_risks,
        worst.severity as worst_open_severity,
        counted.has_escalating_risk
    from counted
    inner join severities as worst
        on counted.worst_open_rank = worst.severity_rank

)

select * from final
