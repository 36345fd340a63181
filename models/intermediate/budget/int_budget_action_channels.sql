with actions as (

    select * from {{ ref('budget_action_audit') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

channel_days as (

    select * from {{ ref('int_budget_channel_days') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- Capacity of an executed or closed action is judged by the data before it; of an open one, by all known data.
dated_actions as (

    select
        actions.*,
        campaigns.end_date,
        case when actions.money_moved then cast(coalesce(actions.approved_at, actions.proposed_at) as date) end
            as effective_date,
        case
            when actions.status in ('proposed', 'approved') then as_of.as_of_date
            else cast(coalesce(actions.approved_at, actions.proposed_at) as date)
        end as capacity_date,
        case
            when actions.status in ('proposed', 'approved') then {{ add_days('as_of.as_of_date', 1) }}
            else cast(coalesce(actions.approved_at, actions.proposed_at) as date)
        end as known_before
    from actions
    inner join campaigns using (campaign_id)
    cross join as_of

),

planned_actions as (

    select
        *,
        greatest({{ days_between('capacity_date', 'end_date') }}, 0) as days_left,
        currency = '{{ var("reporting_currency") }}' as is_in_reporting_currency
    from dated_actions

),

-- Figures of both channels in the campaign before the move.
giving_days as (

    select
        planned_actions.budget_action_id,
        channel_days.day,
        channel_days.spend,
        row_number() over (partition by planned_actions.budget_action_id order by channel_days.day desc) as recency
    from planned_actions
    inner join channel_days
        on
            planned_actions.campaign_id = channel_days.campaign_id
            and planned_actions.from_channel_id = channel_days.channel_id
            and planned_actions.known_before > channel_days.day

),

giving_channels as (

    select
        budget_action_id,
        sum(spend) as spend,
        max(day) as newest_day,
        {{ rate(
            'sum(case when recency <= ' ~ var('daily_spend_days') ~ ' then spend end)',
            'count(case when recency <= ' ~ var('daily_spend_days') ~ ' then spend end)'
        ) }} as spend_per_day
    from giving_days
    group by budget_action_id

),

receiving_channels as (

    select
        planned_actions.budget_action_id,
        sum(channel_days.impressions) as impressions,
        sum(channel_days.conversions) as conversions
    from planned_actions
    inner join channel_days
        on
            planned_actions.campaign_id = channel_days.campaign_id
            and planned_actions.to_channel_id = channel_days.channel_id
            and planned_actions.known_before > channel_days.day
    group by planned_actions.budget_action_id

),

final as (

    select
        planned_actions.*,
        giving_channels.spend as from_spent_before_move,
        case
            when planned_actions.is_in_reporting_currency
                then case
                    -- Without a recent report, no asset of the channel runs.
                    when
                        {{ days_between('giving_channels.newest_day', 'planned_actions.capacity_date') }}
                        > {{ var('running_asset_days') }}
                        then 0
                    else {{ as_money('giving_channels.spend_per_day * planned_actions.days_left') }}
                end
        end as from_spend_to_come,
        receiving_channels.impressions as to_impressions_before_move,
        receiving_channels.conversions as to_conversions_before_move
    from planned_actions
    left join giving_channels
        on planned_actions.budget_action_id = giving_channels.budget_action_id
    left join receiving_channels
        on planned_actions.budget_action_id = receiving_channels.budget_action_id

)

select * from final
