{{ config(description="Every asset in a risk signal's asset_ids exists.") }}

with named_assets as (

    select
        risk_id,
        campaign_id,
        {{ unnest_array(json_string_list('asset_ids')) }} as asset_id
    from {{ ref('stg_campaign_risk_signals') }}

)

select
    named_assets.risk_id,
    named_assets.campaign_id,
    named_assets.asset_id
from named_assets
left join {{ ref('stg_creative_assets') }} as assets using (asset_id)
where assets.asset_id is null
