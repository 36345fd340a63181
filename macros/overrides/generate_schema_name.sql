{#-
  Where a model lies: in the schema that its configuration names, and in no other. Of dbt's two hooks
  the second names the database, of which Spark has none: there a model that has a database of its own
  (the history) lies in a schema of that name, and each schema begins with the profile's own, since a
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
