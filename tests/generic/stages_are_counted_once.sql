{#- No two events behind int_funnel_daily have the same campaign, segment, channel, day and stage. -#}
{% test stages_are_counted_once(model) %}
    with counted_twice as (
        select
            campaign_id,
            segment_id,
            channel_id,
            event_date
        from {{ model }}
        where has_duplicates
    ),

    counted as (
        select
            funnel_events.*,
            count(*) over (
                partition by campaign_id, segment_id, channel_id, event_date, stage
            ) as events_of_stage
        from {{ ref('stg_funnel_events') }} as funnel_events
        inner join counted_twice using (campaign_id, segment_id, channel_id, event_date)
    )

    select
        'funnel_events' as dataset,
        *
    from counted
    where events_of_stage > 1
{% endtest %}
