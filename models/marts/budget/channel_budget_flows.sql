with actions as (

    select * from {{ ref('budget_action_audit') }}

),

-- Each executed move twice: out of one channel and into another.
movements as (

    select
        campaign_id,
        from_channel_id as channel_id,
        currency,
        cast(0 as decimal(18, 2)) as moved_in,
        amount as moved_out
    from actions
    where money_moved

    union all

    select
        campaign_id,
        to_channel_id as channel_id,
        currency,
        amount as moved_in,
        cast(0 as decimal(18, 2)) as moved_out
    from actions
    where money_moved

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

final as (

    select
        movements.campaign_id,
        movements.channel_id,
        movements.currency,
        campaigns.campaign_name,
        channels.channel_label,
        cast(sum(movements.moved_in) as decimal(18, 2)) as moved_in,
        cast(sum(movements.moved_out) as decimal(18, 2)) as moved_out,
        cast(sum(movements.moved_in) - sum(movements.moved_out) as decimal(18, 2)) as net_moved
    from movements
    inner join campaigns using (campaign_id)
    inner join channels using (channel_id)
    group by
        movements.campaign_id,
        movements.channel_id,
        movements.currency,
        campaigns.campaign_name,
        channels.channel_label

)

select * from final
