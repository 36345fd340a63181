with timeline as (

    select * from {{ ref('campaign_timeline') }}

),

funnel as (

    select * from {{ ref('fct_funnel_daily') }}

),

performance as (

    select * from {{ ref('fct_performance_daily') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

days_of_events as (

    select cast(occurred_at as date) as event_day from timeline
    union all
    select event_date as event_day from funnel
    union all
    select covered_from as event_day from performance
    union all
    select as_of_date as event_day from as_of

),

last_campaign as (

    select max(end_date) as end_date from campaigns

),

range_of_days as (

    select
        cast(date_trunc('week', min(days_of_events.event_day)) as date) as first_day,
        greatest(max(days_of_events.event_day), max(last_campaign.end_date)) as last_day
    from days_of_events
    cross join last_campaign

),

days as (

    select {{ each_day('first_day', 'last_day') }} as date_day
    from range_of_days

),

weeks as (

    select
        date_day,
        cast(date_trunc('week', date_day) as date) as week_start
    from days

),

final as (

    select
        weeks.date_day,
        weeks.week_start,
        -- A week belongs to the year of its Thursday (ISO 8601).
        cast(extract(year from {{ add_days('weeks.week_start', 3) }}) as integer) as iso_year,
        cast(extract(week from weeks.date_day) as integer) as iso_week,
        cast({{ days_between('weeks.week_start', 'weeks.date_day') }} + 1 as integer) as day_of_week,
        cast(date_trunc('month', weeks.date_day) as date) as month_start,
        cast(date_trunc('quarter', weeks.date_day) as date) as quarter_start,
        {{ end_of_day('weeks.date_day') }} <= as_of.as_of as is_complete,
        {{ end_of_day(add_days('weeks.week_start', 6)) }} <= as_of.as_of as is_week_complete
    from weeks
    cross join as_of

)

select * from final
