with stages as (

    select * from {{ ref('int_funnel_stages') }}

),

pairs as (

    select * from {{ ref('int_funnel_stage_pairs') }}

),

-- A campaign's path: the stages for which it has any event. Each of its segments and channels
-- A campaign's path: the stages for which it has any event. Each of its segments and channels
path as (

    select
        campaign_id,
        stage
    from stages
    where stage_days > 0
    group by campaign_id, stage

),

measured_stages as (

    select
        campaign_id,
        segment_id,
        channel_id,
        stage,
        lag(stage) over cell as previous_stage,
        first_value(stage) over cell as entry_stage
    from stages
    where stage_days > 0
    window cell as (
        partition by campaign_id, segment_id, channel_id
        order by stage_order
    )

),

final as (

    select
        stages.campaign_id,
        stages.segment_id,
        stages.channel_id,
        stages.stage,
        stages.stage_order,
        stages.stage_count,
        stages.trusted_count,
        stages.confidence,
        measured_stages.previous_stage,
        measured_stages.entry_stage,
        step.earlier_count as previous_stage_count,
        step.compared_count,
        from_entry.earlier_count as entry_count,
        from_entry.compared_count as compared_with_entry_count,
        case
            when measured_stages.stage = measured_stages.entry_stage then stages.stage_days
            else coalesce(step.shared_days, 0)
        end as measured_days
    from stages
    inner join path
        on
            stages.campaign_id = path.campaign_id
            and stages.stage = path.stage
    left join measured_stages
        on
            stages.campaign_id = measured_stages.campaign_id
            and stages.segment_id = measured_stages.segment_id
            and stages.channel_id = measured_stages.channel_id
            and stages.stage = measured_stages.stage
    left join pairs as step
        on
            stages.campaign_id = step.campaign_id
            and stages.segment_id = step.segment_id
            and stages.channel_id = step.channel_id
            and stages.stage = step.stage
            and measured_stages.previous_stage = step.earlier_stage
    left join pairs as from_entry
        on
            stages.campaign_id = from_entry.campaign_id
            and stages.segment_id = from_entry.segment_id
            and stages.channel_id = from_entry.channel_id
            and stages.stage = from_entry.stage
            and measured_stages.entry_stage = from_entry.earlier_stage

)

select * from final
