with assets as (

    select * from {{ ref('stg_creative_assets') }}

),

next_budget as (

    select * from {{ ref('next_budget') }}

),

segment_channels as (

    select
        campaign_id,
        segment_id,
        channel_id
    from assets
    group by campaign_id, segment_id, channel_id

),

-- The channels in which an asset of the campaign addresses the segment.
channels_by_rank as (

    select
        segment_channels.campaign_id,
        segment_channels.segment_id,
        min(next_budget.budget_rank) as best_rank,
        {{ string_list(
            "next_budget.channel_label || ' (' || next_budget.reasons_against || ')'", 'next_budget.channel_id', ', '
        ) }} as channels_not_ready
    from segment_channels
    inner join next_budget
        on
            segment_channels.campaign_id = next_budget.campaign_id
            and segment_channels.channel_id = next_budget.channel_id
    group by segment_channels.campaign_id, segment_channels.segment_id

),

final as (

    select
        channels_by_rank.campaign_id,
        channels_by_rank.segment_id,
        coalesce(
            '; first in line for more is ' || next_budget.reason,
            '; no channel of it is ready for more: ' || channels_by_rank.channels_not_ready
        ) as where_to
    from channels_by_rank
    left join next_budget
        on
            channels_by_rank.campaign_id = next_budget.campaign_id
            and channels_by_rank.best_rank = next_budget.budget_rank

)

select * from final
