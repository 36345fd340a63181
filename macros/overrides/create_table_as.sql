{#-
  On Spark a model's table is written under another name and then renamed: Spark refuses to create a table in a folder
  with files of an unknown one, such as a crashed driver leaves.
-#}
{% macro spark__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- if temporary -%}
        {{ return(dbt.spark__create_table_as(temporary, relation, compiled_code, language)) }}
    {%- endif -%}
    {%- set unfinished = spark_unfinished(relation) -%}
    {%- do run_query(dbt.spark__create_table_as(temporary, unfinished, compiled_code, language)) -%}
    alter table {{ unfinished }} rename to {{ relation }}
{%- endmacro %}


{#- A name under which a table is written before it is renamed; drops what an earlier run left unfinished. -#}
{% macro spark_unfinished(relation) -%}
    {%- set schema, name = (relation | string).split('.') -%}
    {%- for row in run_query("show tables in " ~ schema ~ " like '" ~ name ~ "__unfinished_*'").rows -%}
        {%- do run_query("drop table " ~ schema ~ "." ~ row[1]) -%}
    {%- endfor -%}
    {{ return(relation ~ "__unfinished_" ~ invocation_id | replace('-', '')) }}
{%- endmacro %}
