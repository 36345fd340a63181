with risk_signals as (

    select * from {{ ref('stg_campaign_risk_signals') }}

),

listed_assets as (

    select
        risk_id,
        {{ unnest_array(json_string_list('asset_ids')) }} as asset_id
    from risk_signals

),

-- An asset that a signal lists twice is still one asset.
final as (

    select
        risk_id,
        asset_id
    from listed_assets
    group by risk_id, asset_id

)

select * from final
