with risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

risk_assets as (

    select * from {{ ref('int_risk_assets') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

experiments as (

    select * from {{ ref('int_experiments') }}

),

-- The assets that the signal names, else the arms of the experiment that it names, else all assets of its campaign.
signal_assets as (

    select
        risk_id,
        asset_id
    from risk_assets

    union
    {%- for arm in ['control', 'variant'] %}

    select
        risk_signals.risk_id,
        experiments.{{ arm }}_asset_id as asset_id
    from risk_signals
    inner join experiments
        on risk_signals.experiment_id = experiments.experiment_id
    where not risk_signals.names_assets

    union
    {%- endfor %}

    select
        risk_signals.risk_id,
        assets.asset_id
    from risk_signals
    inner join assets
        on risk_signals.campaign_id = assets.campaign_id
    where
        not risk_signals.names_assets
        and risk_signals.experiment_id is null

),

final as (

    select
        risk_id,
        'asset' as record_kind,
        asset_id as record_id
    from signal_assets

    union

    select
        signal_assets.risk_id,
        'experiment' as record_kind,
        experiments.experiment_id as record_id
    from signal_assets
    inner join experiments
        on signal_assets.asset_id in (experiments.control_asset_id, experiments.variant_asset_id)

    union

    select
        risk_id,
        'experiment' as record_kind,
        experiment_id as record_id
    from risk_signals
    where experiment_id is not null

)

select * from final
