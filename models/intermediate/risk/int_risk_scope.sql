with risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

risk_assets as (

    select * from {{ ref('int_risk_assets') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

-- What a signal is about: the assets that it names, else its whole campaign.
final as (

    select
        risk_signals.risk_id,
        risk_assets.asset_id
    from risk_signals
    inner join risk_assets using (risk_id)

    union all

    select
        risk_signals.risk_id,
        assets.asset_id
    from risk_signals
    inner join assets using (campaign_id)
    where not risk_signals.names_assets

)

select * from final
