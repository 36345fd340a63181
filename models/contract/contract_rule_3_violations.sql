with performance as (

    select * from {{ ref('stg_performance_metrics') }}

),

experiments as (

    select * from {{ ref('stg_experiments') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

-- One row per snapshot, with how often it was exported.
snapshots as (

    select
        asset_id,
        experiment_id,
        recorded_at,
        count(*) as record_count
    from performance
    group by asset_id, experiment_id, recorded_at

),

breaches as (

    select
        snapshots.asset_id,
        snapshots.experiment_id,
        snapshots.recorded_at,
        coalesce(experiments.campaign_id, assets.campaign_id) as campaign_id,
        case
            when snapshots.record_count > 1
                then 'exported ' || cast(snapshots.record_count as string) || ' times'
        end as duplicated,
        case
            when snapshots.experiment_id is not null and experiments.experiment_id is null
                then 'experiment ' || snapshots.experiment_id || ' does not exist'
            when snapshots.asset_id not in (experiments.control_asset_id, experiments.variant_asset_id)
                then 'experiment ' || snapshots.experiment_id || ' does not compare ' || snapshots.asset_id
        end as not_compared
    from snapshots
    left join experiments using (experiment_id)
    left join assets using (asset_id)

),

final as (

    select
        3 as rule,
        asset_id || ' | ' || coalesce(experiment_id, '') || ' | ' || {{ timestamp_text('recorded_at') }} as record_key,
        campaign_id,
        {{ joined_reasons(['duplicated', 'not_compared']) }} as what_is_wrong
    from breaches
    where coalesce(duplicated, not_compared) is not null

)

select * from final
