{#-
  Descriptions of a relation and its columns in one statement; dbt's own macro sends three, and reads the columns twice.
-#}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set comments = [] -%}
    {%- if for_relation and config.persist_relation_docs() -%}
        {%- do comments.append(alter_relation_comment(relation, model.description)) -%}
    {%- endif -%}
    {%- for column in model.columns.values() if for_columns and config.persist_column_docs() -%}
        {%- do comments.append(
            "comment on column " ~ relation ~ "." ~ column.name ~ " is " ~ duckdb_escape_comment(column.description) ~ ";"
        ) -%}
    {%- endfor -%}
    {%- if comments -%}
        {%- do run_query(comments | join("\n")) -%}
    {%- endif -%}
{%- endmacro %}
