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

{% macro spark__generate_database_name(custom_database_name=none, node=none) -%}
    {{ return(none) }}
{%- endmacro %}


{#- A relation that is no model, in a schema of the models' database. -#}
{% macro relation_in(schema, identifier) -%}
    {{ return(api.Relation.create(
        database=target.get('database'), schema=generate_schema_name(schema, none), identifier=identifier
    )) }}
{%- endmacro %}
