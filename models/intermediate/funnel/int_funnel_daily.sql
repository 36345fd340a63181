{{ config(
    materialized = 'incremental_by_day',
    meta = {'by_day': {'dataset': 'funnel_events', 'column': 'event_date'}}
) }}

{%- set stages = var('funnel_stages') -%}

with funnel_events as (

    select * from {{ ref('stg_funnel_events') }}
    {%- if is_incremental() %}
    where is_new
    {%- endif %}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

days as (

    {{ versions_of_days(ref('int_days_of_funnel_events'), model.name, 'funnel_events') }}

),

known_events as (

    select funnel_events.*
    from funnel_events
    cross join as_of
    where {{ end_of_day('funnel_events.event_date') }} <= as_of.as_of

),

-- The only pass over the events: everything about the funnel reads this grain. A stage has one event per campaign,
-- segment, channel and day. Keeping that event takes half the time of summing, and detecting duplicates here is free,
-- where a separate grouping takes a fifth of a build.
daily as (

    select
        campaign_id,
        segment_id,
        channel_id,
        event_date,
        {%- for stage in stages %}
        max(case when stage = '{{ stage }}' then event_count end) as {{ stage }}_count,
        min(case when stage = '{{ stage }}' then confidence end) as {{ stage }}_confidence,
        {%- endfor %}
        min(confidence) as confidence,
        count(*) as event_rows
    from known_events
    group by campaign_id, segment_id, channel_id, event_date

),

final as (

    select
        daily.*,
        daily.event_rows
        {%- for stage in stages %}
        - case when daily.{{ stage }}_count is null then 0 else 1 end
        {%- endfor %}
        <> 0 as has_duplicates,
        {%- for stage in stages %}
        case
            when daily.{{ stage }}_confidence >= {{ var('trusted_confidence_minimum') }} then daily.{{ stage }}_count
        end as {{ stage }}_trusted_count,
        {%- endfor %}
        {{ end_of_day('daily.event_date') }} as known_at,
        days.version as content_version
    from daily
    left join days on daily.event_date = days.day

)

select * from final
