{#-
  Spark has no databases; a model with its own database (the history) is in a schema of that name:
  see generate_schema_name.
-#}
{% macro spark__generate_database_name(custom_database_name=none, node=none) -%}
    {{ return(none) }}
{%- endmacro %}
