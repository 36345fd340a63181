{%- set pairs = funnel_stage_pairs() -%}

with stage_sets as (

    select * from {{ ref('int_funnel_stage_sets') }}

),

-- Only days on which both stages were measured can be compared.
shared_days as (

    select
        {%- for earlier, later in pairs %}
        sum(case when {{ later }}_count is not null then {{ earlier }}_count end) as {{ earlier }}_before_{{ later }},
        sum(case when {{ earlier }}_count is not null then {{ later }}_count end) as {{ later }}_after_{{ earlier }},
        sum(
            case when {{ earlier }}_count + {{ later }}_count is not null then day_count end
        ) as {{ earlier }}_{{ later }}_days,
        {%- endfor %}
        campaign_id,
        segment_id,
        channel_id
    from stage_sets
    group by campaign_id, segment_id, channel_id

),

final as (
    {%- for earlier, later in pairs %}

    select
        campaign_id,
        segment_id,
        channel_id,
        '{{ earlier }}' as earlier_stage,
        '{{ later }}' as stage,
        cast({{ earlier }}_before_{{ later }} as bigint) as earlier_count,
        cast({{ later }}_after_{{ earlier }} as bigint) as compared_count,
        cast(coalesce({{ earlier }}_{{ later }}_days, 0) as integer) as shared_days
    from shared_days
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

)

select * from final
