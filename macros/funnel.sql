{#- A list of all pairs of funnel stages, the earlier one first. -#}
{% macro funnel_stage_pairs() -%}
    {%- set pairs = [] -%}
    {%- set stages = var('funnel_stages') -%}
    {%- for later in stages -%}
        {%- for earlier in stages[:loop.index0] -%}
            {%- do pairs.append((earlier, later)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(pairs) }}
{%- endmacro %}


{#- The count of a stage, from a relation that has a column per stage, with a prefix. -#}
{% macro stage_count(stage, prefix='') -%}
    case {{ stage }}
        {%- for one in var('funnel_stages') %}
        when '{{ one }}' then {{ prefix }}{{ one }}_count
        {%- endfor %}
    end
{%- endmacro %}
