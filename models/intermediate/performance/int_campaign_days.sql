with performance_days as (

    select * from {{ ref('int_performance_days') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

dates as (

    select * from {{ ref('dim_date') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

assets as (

    select
        campaign_id,
        asset_id,
        max(day) as last_day,
        max(recorded_at) as last_recorded_at
    from performance_days
    group by campaign_id, asset_id

),

-- Assets report at different times; a day that some have not reported yet would look cheaper than it was.
reported as (

    select
        campaigns.campaign_id,
        campaigns.start_date,
        campaigns.end_date,
        max(assets.last_day) as last_day,
        min(
            case
                when
                    not campaigns.has_ended
                    and campaigns.status <> 'draft'
                    and as_of.as_of <= {{ add_minutes('assets.last_recorded_at', 24 * 60 * var('running_asset_days')) }}
                    then assets.last_day
            end
        ) as last_day_of_all
    from campaigns
    cross join as_of
    inner join assets
        on campaigns.campaign_id = assets.campaign_id
    group by campaigns.campaign_id, campaigns.start_date, campaigns.end_date

),

covered_days as (

    select
        reported.campaign_id,
        performance_days.day,
        sum(performance_days.spend) as spend,
        sum(performance_days.conversions) as conversions
    from reported
    inner join performance_days
        on
            reported.campaign_id = performance_days.campaign_id
            and performance_days.day <= coalesce(reported.last_day_of_all, reported.last_day)
    group by reported.campaign_id, performance_days.day

),

-- Without a running asset no day is to come; for a draft this is not known.
days_to_come as (

    select
        reported.campaign_id,
        dates.date_day as day
    from reported
    inner join dates
        on
            reported.last_day_of_all < dates.date_day
            and reported.start_date <= dates.date_day
            and reported.end_date >= dates.date_day

),

all_days as (

    select
        campaign_id,
        day,
        false as is_to_come,
        spend,
        conversions
    from covered_days
    union all
    select
        campaign_id,
        day,
        true as is_to_come,
        cast(null as decimal(18, 6)) as spend,
        cast(null as bigint) as conversions
    from days_to_come

),

dated_days as (

    select
        all_days.*,
        dates.day_of_week
    from all_days
    inner join dates
        on all_days.day = dates.date_day

),

final as (

    select
        campaign_id,
        day,
        day_of_week,
        is_to_come,
        cast(spend as decimal(18, 6)) as spend,
        cast(conversions as bigint) as conversions,
        {%- for measure in ['spend', 'conversions'] %}
        {%- set mean = rate('sum(' ~ measure ~ ') over of_campaign', 'count(' ~ measure ~ ') over of_campaign') %}
        {{ mean }} as {{ measure }}_per_day,
        coalesce(
            {{ rate('sum(' ~ measure ~ ') over of_weekday', 'count(' ~ measure ~ ') over of_weekday') }}, {{ mean }}
        ) as expected_{{ measure }},
        {%- endfor %}
        count(spend) over of_weekday as covered_of_weekday,
        count(*) over of_weekday - count(spend) over of_weekday as to_come_of_weekday
    from dated_days
    window
        of_campaign as (partition by campaign_id),
        of_weekday as (partition by campaign_id, day_of_week)

)

select * from final
