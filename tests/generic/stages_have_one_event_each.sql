{#- A row of int_funnel_daily is of one event a stage, and no other: more are duplicates. -#}
{% test stages_have_one_event_each(model) %}
    select *
    from {{ model }}
    where
        event_rows <> 0
        {%- for stage in var('funnel_stages') %}
        + case when {{ stage }}_count is null then 0 else 1 end
        {%- endfor %}
{% endtest %}
