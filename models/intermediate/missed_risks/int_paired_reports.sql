with days as (

    select * from {{ ref('int_performance_days') }}

),

asset_days as (

    select
        asset_id,
        campaign_id,
        channel_id,
        cast(recorded_at as date) as reported_on,
        day,
        sum(impressions) as impressions,
        sum(conversions) as conversions,
        max(recorded_at) as known_at
    from days
    group by asset_id, campaign_id, channel_id, cast(recorded_at as date), day

),

channel_days as (

    select
        campaign_id,
        channel_id,
        day,
        sum(impressions) as impressions,
        sum(conversions) as conversions,
        max(known_at) as known_at
    from asset_days
    group by campaign_id, channel_id, day

),

-- Assets report on different days: a report is compared with the others on the days that it covers.
final as (

    select
        asset_days.asset_id,
        asset_days.reported_on,
        min(asset_days.day) as covered_from,
        count(*) as days_covered,
        max(channel_days.known_at) as known_at,
        cast(sum(asset_days.impressions) as double) as own_trials,
        cast(sum(asset_days.conversions) as double) as own_successes,
        cast(sum(channel_days.impressions - asset_days.impressions) as double) as other_trials,
        cast(sum(channel_days.conversions - asset_days.conversions) as double) as other_successes
    from asset_days
    inner join channel_days
        on
            asset_days.campaign_id = channel_days.campaign_id
            and asset_days.channel_id = channel_days.channel_id
            and asset_days.day = channel_days.day
    group by asset_days.asset_id, asset_days.reported_on

)

select * from final
