{{ config(
    materialized = 'incremental',
    meta = {'by_day': {'dataset': 'funnel_events', 'column': 'event_date'}}
) }}

{%- set stages = var('funnel_stages') -%}

with funnel_events as (

    select * from {{ arrived(ref('stg_funnel_events')) }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

days as (

    select * from {{ day_versions(ref('int_days_of_funnel_events'), model.name) }} as versions

),

known_events as (

    select
        funnel_events.*,
        funnel_events.confidence >= {{ var('trusted_confidence_minimum') }} as is_trusted
    from funnel_events
    cross join as_of
    where {{ end_of_day('funnel_events.event_date') }} <= as_of.as_of

),

-- One pass over the events: everything about the funnel is read from this grain.
daily as (

    select
        campaign_id,
        segment_id,
        channel_id,
        event_date,
        {%- for stage in stages %}
        cast(sum(case when stage = '{{ stage }}' then event_count end) as bigint) as {{ stage }}_count,
        cast(
            sum(case when stage = '{{ stage }}' and is_trusted then event_count end) as bigint
        ) as {{ stage }}_trusted_count,
        min(case when stage = '{{ stage }}' then confidence end) as {{ stage }}_confidence,
        {%- endfor %}
        min(confidence) as confidence,
        {{ end_of_day('event_date') }} as known_at
    from known_events
    group by campaign_id, segment_id, channel_id, event_date

),

final as (

    select
        daily.*,
        days.version as content_version
    from daily
    left join days on daily.event_date = days.day

)

select * from final
