{#-
  A table of a model, on Spark, is written under another name and then renamed: Spark refuses to make a table where files
  lie of one that it doesn't know, as a driver that dies leaves them.
-#}
{% macro spark__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- if temporary -%}
        {{ return(dbt.spark__create_table_as(temporary, relation, compiled_code, language)) }}
    {%- endif -%}
    {%- set unfinished = spark_unfinished(relation) -%}
    {%- do run_query(dbt.spark__create_table_as(temporary, unfinished, compiled_code, language)) -%}
    alter table {{ unfinished }} rename to {{ relation }}
{%- endmacro %}


{#- A name under which a table is written, to be renamed; what was left unfinished before goes. -#}
{% macro spark_unfinished(relation) -%}
    {%- set schema, name = (relation | string).split('.') -%}
    {%- for row in run_query("show tables in " ~ schema ~ " like '" ~ name ~ "__unfinished_*'").rows -%}
        {%- do run_query("drop table " ~ schema ~ "." ~ row[1]) -%}
    {%- endfor -%}
    {{ return(relation ~ "__unfinished_" ~ invocation_id | replace('-', '')) }}
{%- endmacro %}
