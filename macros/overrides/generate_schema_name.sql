{#-
  A model is in the schema that its configuration names, without dbt's prefix. On Spark, which has no databases, a model
  with its own database (the history) is in a schema of that name, and each schema starts with the profile's, since a
  company's catalog is shared: marketing_marts.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ return(adapter.dispatch('schema_of')(custom_schema_name, node)) }}
{%- endmacro %}

{% macro duckdb__schema_of(custom_schema_name, node) -%}
    {{ return((custom_schema_name or target.schema) | trim) }}
{%- endmacro %}

{% macro spark__schema_of(custom_schema_name, node) -%}
    {%- set own = (node.config.database if node) or custom_schema_name -%}
    {{ return(target.schema ~ ('_' ~ own | trim if own else '')) }}
{%- endmacro %}
