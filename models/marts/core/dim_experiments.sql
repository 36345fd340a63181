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

named_experiments as (

    select
        *,
        {{ unique_label('label', 'experiment_id') }} as experiment_label
    from labelled_experiments

),

-- What belongs to no experiment finds a row too: a join by the key loses nothing.
no_experiment as (

    select 'No experiment' as experiment_label

),

final as (

    select
        {{ experiment_key('named_experiments.experiment_id') }} as experiment_key,
        named_experiments.experiment_id,
        named_experiments.campaign_id,
        named_experiments.control_asset_id,
        named_experiments.variant_asset_id,
        coalesce(named_experiments.experiment_label, no_experiment.experiment_label) as experiment_label,
        named_experiments.campaign_name,
        named_experiments.control_asset_label,
        named_experiments.variant_asset_label,
        named_experiments.experiment_type,
        named_experiments.metric,
        named_experiments.metric_label,
        named_experiments.status,
        named_experiments.start_date,
        named_experiments.end_date
    from named_experiments
    full outer join no_experiment
        on named_experiments.experiment_label is null

)

select * from final
