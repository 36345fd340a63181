with source as (

    select * from {{ ref('raw_funnel_events') }}

),

final as (

    select
        event_id,
        campaign_id,
        segment_id,
        channel_id,

        stage,
        source,

        cast({{ adapter.quote('count') }} as bigint) as event_count,
        cast(confidence as double) as confidence,

        {{ day_of_record('funnel_events') }} as event_date,
        cast({{ adapter.quote('timestamp') }} as timestamp) as measured_at,

        {{ is_new() }} as is_new
    from source

)

select * from final
