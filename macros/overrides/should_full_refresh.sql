{#- A model that keeps days is built from nothing if everything is taken in, and only then. -#}
{% macro should_full_refresh() -%}
    {%- set by_day = (config.get('meta') or {}).get('by_day') -%}
    {{ return(dbt.should_full_refresh() if not by_day else is_taken_in_whole(by_day.dataset)) }}
{%- endmacro %}
