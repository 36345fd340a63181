{%- set reasons = ['same_asset', 'missing_control', 'missing_variant', 'foreign_control', 'foreign_variant'] -%}

with experiments as (

    select * from {{ ref('stg_experiments') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

experiment_assets as (

    select
        experiments.experiment_id,
        experiments.campaign_id,
        experiments.control_asset_id,
        experiments.variant_asset_id,
        control_assets.asset_id is not null as control_exists,
        variant_assets.asset_id is not null as variant_exists,
        control_assets.campaign_id as control_campaign_id,
        variant_assets.campaign_id as variant_campaign_id
    from experiments
    left join assets as control_assets
        on experiments.control_asset_id = control_assets.asset_id
    left join assets as variant_assets
        on experiments.variant_asset_id = variant_assets.asset_id

),

breaches as (

    select
        *,
        case
            when control_asset_id = variant_asset_id
                then 'control and variant are the same asset, ' || control_asset_id
        end as same_asset,
        case when not control_exists then 'control ' || control_asset_id || ' does not exist' end as missing_control,
        case when not variant_exists then 'variant ' || variant_asset_id || ' does not exist' end as missing_variant,
        case
            when control_campaign_id <> campaign_id
                then 'control ' || control_asset_id || ' belongs to ' || control_campaign_id
        end as foreign_control,
        case
            when variant_campaign_id <> campaign_id
                then 'variant ' || variant_asset_id || ' belongs to ' || variant_campaign_id
        end as foreign_variant
    from experiment_assets

),

final as (

    select
        2 as rule,
        experiment_id as record_key,
        campaign_id,
        {{ joined_reasons(reasons) }} as what_is_wrong
    from breaches
    where coalesce({{ reasons | join(', ') }}) is not null

)

select * from final
