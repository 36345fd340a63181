{{ config(
    severity='warn',
    description="A risk signal's asset_ids and its experiment_id belong to its campaign.",
) }}

with named_assets as (

    select
        risk_id,
        campaign_id,
        {{ unnest_array(json_string_list('asset_ids')) }} as asset_id
    from {{ ref('stg_campaign_risk_signals') }}

),

named as (

    select
        named_assets.risk_id,
        named_assets.campaign_id,
        'asset_ids' as field,
        named_assets.asset_id as named_id,
        assets.campaign_id as belongs_to_campaign_id
    from named_assets
    inner join {{ ref('stg_creative_assets') }} as assets using (asset_id)

    union all

    select
        risk_signals.risk_id,
        risk_signals.campaign_id,
        'experiment_id' as field,
        risk_signals.experiment_id as named_id,
        experiments.campaign_id as belongs_to_campaign_id
    from {{ ref('stg_campaign_risk_signals') }} as risk_signals
    inner join {{ ref('stg_experiments') }} as experiments using (experiment_id)

)

select *
from named
where campaign_id <> belongs_to_campaign_id
