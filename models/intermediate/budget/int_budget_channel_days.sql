with performance_days as (

    select * from {{ ref('int_performance_days') }}

),

coverage as (

    select * from {{ ref('int_performance_coverage') }}

),

actions as (

    select * from {{ ref('int_budget_actions') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

campaigns_with_actions as (

    select campaign_id
    from actions
    group by campaign_id

),

covered_days as (

    select
        performance_days.*,
        coverage.recorded_date,
        coverage.days_covered
    from performance_days
    inner join campaigns_with_actions
        on performance_days.campaign_id = campaigns_with_actions.campaign_id
    inner join coverage
        on
            performance_days.asset_id = coverage.asset_id
            and cast(performance_days.recorded_at as date) = coverage.recorded_date

),

assets as (

    select
        campaign_id,
        channel_id,
        asset_id,
        max(day) as last_day,
        max(recorded_at) as last_recorded_at
    from covered_days
    group by campaign_id, channel_id, asset_id

),

-- A day that a running asset has not reported yet would look cheaper than it was.
reported_channels as (

    select
        assets.campaign_id,
        assets.channel_id,
        min(
            case
                when
                    as_of.as_of <= {{ add_minutes('assets.last_recorded_at', 24 * 60 * var('running_asset_days')) }}
                    then assets.last_day
            end
        ) as last_day_of_all
    from assets
    cross join as_of
    group by assets.campaign_id, assets.channel_id

),

channel_days as (

    select
        campaign_id,
        channel_id,
        day,
        cast(sum(spend) as decimal(18, 6)) as spend,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(conversions) as bigint) as conversions,
        min(covered_from) as covered_from,
        max(recorded_date) as covered_until,
        max(days_covered) as longest_row_days
    from covered_days
    group by campaign_id, channel_id, day

),

final as (

    select
        channel_days.campaign_id,
        channel_days.channel_id,
        channel_days.day,
        channel_days.spend,
        channel_days.impressions,
        channel_days.conversions,
        channel_days.covered_from,
        channel_days.covered_until,
        channel_days.longest_row_days,
        coalesce(channel_days.day <= reported_channels.last_day_of_all, true) as is_reported_by_all
    from channel_days
    inner join reported_channels
        on
            channel_days.campaign_id = reported_channels.campaign_id
            and channel_days.channel_id = reported_channels.channel_id

)

select * from final
