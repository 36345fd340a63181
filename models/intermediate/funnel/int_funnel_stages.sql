{%- set stages = var('funnel_stages') -%}

with stage_sets as (

    select * from {{ ref('int_funnel_stage_sets') }}

),

cells as (

    select
        {%- for stage in stages %}
        sum({{ stage }}_count) as {{ stage }}_count,
        sum({{ stage }}_trusted_count) as {{ stage }}_trusted_count,
        min({{ stage }}_confidence) as {{ stage }}_confidence,
        sum(case when {{ stage }}_count is not null then day_count else 0 end) as {{ stage }}_days,
        {%- endfor %}
        campaign_id,
        segment_id,
        channel_id
    from stage_sets
    group by campaign_id, segment_id, channel_id

),

final as (
    {%- for stage in stages %}

    select
        campaign_id,
        segment_id,
        channel_id,
        '{{ stage }}' as stage,
        {{ loop.index }} as stage_order,
        cast({{ stage }}_count as bigint) as stage_count,
        cast(case when {{ stage }}_days > 0 then coalesce({{ stage }}_trusted_count, 0) end as bigint) as trusted_count,
        {{ stage }}_confidence as confidence,
        cast({{ stage }}_days as integer) as stage_days
    from cells
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

)

select * from final
