with event_times as (

    select * from {{ ref('int_event_times') }}

),

newest_event as (

    select
        max(case when field <> 'approval_latency_minutes' then happened_at end) as newest_record_at,
        max(happened_at) as newest_event_at
    from event_times

),

final as (

    select
        coalesce({{ as_of_timestamp() }}, newest_event_at) as as_of,
        cast(coalesce({{ as_of_timestamp() }}, newest_event_at) as date) as as_of_date,
        newest_event_at,
        newest_record_at,
        coalesce({{ as_of_timestamp() }} >= newest_event_at, true) as covers_all_events
    from newest_event

)

select * from final
