with performance as (

    select * from {{ ref('int_performance') }}

),

segments as (

    select * from {{ ref('int_segments') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

experiments as (

    select * from {{ ref('experiment_results') }}
    where status = 'running'

),

asset_actions as (

    select * from {{ ref('int_asset_actions') }}

),

reached_segments as (

    select
        campaign_id,
        channel_id,
        segment_id
    from performance
    group by campaign_id, channel_id, segment_id

),

channels as (

    select
        reached_segments.campaign_id,
        reached_segments.channel_id,
        {{ string_list('segments.segment_name', 'segments.segment_id', ', ') }} as segments,
        max(case segments.segment_priority when 'high' then 3 when 'medium' then 2 when 'low' then 1 end)
            as priority_order
    from reached_segments
    inner join segments
        on reached_segments.segment_id = segments.segment_id
    group by reached_segments.campaign_id, reached_segments.channel_id

),

channel_experiments as (

    select
        assets.campaign_id,
        assets.channel_id,
        experiments.experiment_id,
        experiments.health
    from experiments
    inner join assets
        on assets.asset_id in (experiments.control_asset_id, experiments.variant_asset_id)
    group by assets.campaign_id, assets.channel_id, experiments.experiment_id, experiments.health

),

experiment_lists as (

    select
        campaign_id,
        channel_id,
        {{ string_list('experiment_id', 'experiment_id', ', ') }} as experiments_under_way,
        {{ string_list("case when health = 'unhealthy' then experiment_id end", 'experiment_id', ', ') }}
            as unhealthy_experiments
    from channel_experiments
    group by campaign_id, channel_id

),

unapproved_lists as (

    select
        assets.campaign_id,
        assets.channel_id,
        {{ string_list('assets.asset_id', 'assets.asset_id', ', ') }} as unapproved_assets
    from asset_actions
    inner join assets
        on asset_actions.record_id = assets.asset_id
    group by assets.campaign_id, assets.channel_id

),

final as (

    select
        channels.campaign_id,
        channels.channel_id,
        channels.segments,
        case channels.priority_order when 3 then 'high' when 2 then 'medium' when 1 then 'low' end
            as segment_priority,
        experiment_lists.experiments_under_way,
        nullif(experiment_lists.unhealthy_experiments, '') as unhealthy_experiments,
        unapproved_lists.unapproved_assets
    from channels
    left join experiment_lists
        on
            channels.campaign_id = experiment_lists.campaign_id
            and channels.channel_id = experiment_lists.channel_id
    left join unapproved_lists
        on
            channels.campaign_id = unapproved_lists.campaign_id
            and channels.channel_id = unapproved_lists.channel_id

)

select * from final
