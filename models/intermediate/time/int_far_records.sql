with event_times as (

    select * from {{ ref('int_event_times') }}
    where happened_at is not null

),

performance as (

    select * from {{ ref('stg_performance_metrics') }}

),

funnel_events as (

    select * from {{ ref('stg_funnel_events') }}

),

-- A record counts once, on the day of its latest event: an approval and its proposal are one record.
newest_days as (

    select
        max(cast(happened_at as date)) as day,
        1 as record_count
    from event_times
    where record_key is not null
    group by dataset, record_key

    union all

    select
        cast(happened_at as date) as day,
        record_count
    from event_times
    where record_key is null

),

days as (

    select
        day,
        sum(record_count) as record_count
    from newest_days
    group by day

),

gaps as (

    select
        day,
        lead(day) over (order by day) as next_day,
        sum(record_count) over (
            order by day desc
            rows between unbounded preceding and 1 preceding
        ) as later_records
    from days

),

-- The first gap with only few records after it.
far_from as (

    select min(next_day) as day
    from gaps
    where
        later_records <= {{ var('far_record_maximum') }}
        and {{ days_between('day', 'next_day') }} > {{ var('far_gap_days') }}

),

far_days as (

    select
        event_times.dataset,
        cast(event_times.happened_at as date) as day
    from event_times
    inner join far_from on cast(event_times.happened_at as date) >= far_from.day
    where event_times.record_key is null
    group by event_times.dataset, cast(event_times.happened_at as date)

),

far_events as (

    select
        event_times.dataset,
        event_times.record_key,
        event_times.field,
        event_times.happened_at
    from event_times
    inner join far_from on cast(event_times.happened_at as date) >= far_from.day
    where event_times.record_key is not null

    union all

    select
        far_days.dataset,
        performance.asset_id
        || ' | ' || coalesce(performance.experiment_id, '')
        || ' | ' || {{ timestamp_text('performance.recorded_at') }} as record_key,
        'timestamp' as field,
        performance.recorded_at as happened_at
    from performance
    inner join far_days on cast(performance.recorded_at as date) = far_days.day
    where far_days.dataset = 'performance_metrics'

    union all

    select
        far_days.dataset,
        funnel_events.event_id as record_key,
        'date' as field,
        {{ end_of_day('funnel_events.event_date') }} as happened_at
    from funnel_events
    inner join far_days on funnel_events.event_date = far_days.day
    where far_days.dataset = 'funnel_events'

),

next_newest as (

    select max(event_times.happened_at) as happened_at
    from event_times
    inner join far_from on cast(event_times.happened_at as date) < far_from.day

),

-- If a proposal is far, its approval is not listed too.
ranked as (

    select
        *,
        row_number() over (partition by dataset, record_key order by happened_at asc, field desc) as event_number
    from far_events

),

final as (

    select
        ranked.dataset,
        ranked.record_key,
        ranked.field,
        ranked.happened_at,
        next_newest.happened_at as next_newest_at,
        {{ days_between('cast(next_newest.happened_at as date)', 'cast(ranked.happened_at as date)') }}
            as days_after_next_newest
    from ranked
    cross join next_newest
    where ranked.event_number = 1

)

select * from final
