with experiments as (

    select * from {{ ref('int_experiments') }}

),

assets as (

    select * from {{ ref('dim_assets') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

kpi_definitions as (

    select * from {{ ref('kpi_definitions') }}

),

labelled_experiments as (

    select
        experiments.experiment_id,
        experiments.campaign_id,
        experiments.control_asset_id,
        experiments.variant_asset_id,
        control_assets.asset_label || ' against ' || variant_assets.asset_label as label,
        campaigns.campaign_name,
        control_assets.asset_label as control_asset_label,
        variant_assets.asset_label as variant_asset_label,
        experiments.experiment_type,
        experiments.metric,
        coalesce(kpi_definitions.kpi_label, experiments.metric) as metric_label,
        experiments.status,
        experiments.start_date,
        experiments.end_date
    from experiments
    inner join campaigns using (campaign_id)
    inner join assets as control_assets
        on experiments.control_asset_id = control_assets.asset_id
    inner join assets as variant_assets
        on experiments.variant_asset_id = variant_assets.asset_id
    left join kpi_definitions
        on experiments.metric = kpi_definitions.kpi

),

final as (

    select
        experiment_id,
        campaign_id,
        control_asset_id,
        variant_asset_id,
        {{ unique_label('label', 'experiment_id') }} as experiment_label,
        campaign_name,
        control_asset_label,
        variant_asset_label,
        experiment_type,
        metric,
        metric_label,
        status,
        start_date,
        end_date
    from labelled_experiments

)

select * from final
