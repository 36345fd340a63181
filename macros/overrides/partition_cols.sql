{#-
  On Spark a model that keeps days has one partition per day, without naming the column again in its configuration.
-#}
{% macro spark__partition_cols(label, required=false) -%}
    {%- set by_day = (config.get('meta') or {}).get('by_day') if config.get('materialized') == 'incremental_by_day' -%}
    {%- if by_day -%}
        {{ label }} ({{ by_day.column }})
    {%- else -%}
        {{ dbt.spark__partition_cols(label, required) }}
    {%- endif -%}
{%- endmacro %}
