{#- Schemas are called what the project calls them (`marts`, not `main_marts`): BI tools rely on it. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
