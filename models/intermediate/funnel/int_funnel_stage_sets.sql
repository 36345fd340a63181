{%- set stages = var('funnel_stages') -%}

with daily as (

    select * from {{ ref('int_funnel_daily') }}

),

-- The only pass over all days. There are few sets per campaign, segment and channel, so later models read few rows.
final as (

    select
        campaign_id,
        segment_id,
        channel_id,
        {%- for stage in stages %}
        cast(sum({{ stage }}_count) as bigint) as {{ stage }}_count,
        cast(sum({{ stage }}_trusted_count) as bigint) as {{ stage }}_trusted_count,
        min({{ stage }}_confidence) as {{ stage }}_confidence,
        {%- endfor %}
        concat_ws(
            ' '
            {%- for stage in stages %},
            case when {{ stage }}_count is null then null else '{{ stage }}' end
            {%- endfor %}
        ) as measured_stages,
        count(*) as day_count
    from daily
    group by
        {%- for stage in stages %}
        {{ stage }}_count is null,
        {%- endfor %}
        campaign_id,
        segment_id,
        channel_id

)

select * from final
