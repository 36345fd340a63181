{{ config(materialized = 'view') }}

with daily as (

    select * from {{ ref('int_funnel_daily') }}

),

final as (

    select
        campaign_id,
        segment_id,
        channel_id,
        event_date,
        {%- for stage in var('funnel_stages') %}
        {{ stage }}_count,
        {%- endfor %}
        confidence,
        confidence >= {{ var('trusted_confidence_minimum') }} as is_trusted
    from daily

)

select * from final
