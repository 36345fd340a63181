{#- dbt's own, also for the materialization `incremental_by_day`. False in a unit test, which gives all rows. -#}
{% macro is_incremental() -%}
    {%- if not execute or model.resource_type == 'unit_test' -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set relation = load_relation(this) -%}
    {{ return(
        relation is not none and relation.type == 'table' and not should_full_refresh()
        and model.config.materialized in ('incremental', 'incremental_by_day')
    ) }}
{%- endmacro %}
