{#-
  Tables of our own, besides models, whose rows come and go by a key: `dataset`, or `_file`. DuckDB
  deletes and inserts rows. On Spark the rows of a key are a partition, which is dropped and written
  whole; several threads do so at a time, and who filters by the key reads no files but its own. A path
  is too long for the name of a folder, and has its hash there.
-#}

{#- Creates a table, if it isn't there; `columns` are names and types, `key` one of the names. -#}
{% macro create_keyed_table(relation, columns, key) -%}
    {{ return(adapter.dispatch('create_keyed_table')(relation, columns, key)) }}
{%- endmacro %}

{% macro duckdb__create_keyed_table(relation, columns, key) -%}
    {%- do run_query("create table if not exists " ~ relation ~ " (" ~ columns ~ ")") -%}
{%- endmacro %}

{% macro spark__create_keyed_table(relation, columns, key) -%}
    {%- set partition = "partition_key" if key == '_file' else key -%}
    {%- do run_query(
        "create table if not exists " ~ relation ~ " (" ~ columns ~ (", partition_key string" if key == '_file')
        ~ ") using parquet partitioned by (" ~ partition ~ ")"
    ) -%}
{%- endmacro %}


{#- Deletes the rows of some keys, given as texts. -#}
{% macro delete_keyed(relation, key, keys) -%}
    {{ return(adapter.dispatch('delete_keyed')(relation, key, keys)) }}
{%- endmacro %}

{% macro duckdb__delete_keyed(relation, key, keys) -%}
    {%- do run_query("delete from " ~ relation ~ " where " ~ key ~ " in (" ~ quoted_texts(keys) | join(", ") ~ ")") -%}
{%- endmacro %}

{% macro spark__delete_keyed(relation, key, keys) -%}
    {%- set partitions = [] -%}
    {%- for text in keys -%}
        {%- set is_of_key = "partition_key = '" ~ local_md5(text) ~ "'" if key == '_file' else key ~ " = '" ~ text ~ "'" -%}
        {%- do partitions.append("partition (" ~ is_of_key ~ ")") -%}
    {%- endfor -%}
    {%- do run_query("alter table " ~ relation ~ " drop if exists " ~ partitions | join(", ")) -%}
{%- endmacro %}


{#- Inserts the rows of a query, of whose keys there are none. -#}
{% macro insert_keyed(relation, key, query) -%}
    {{ return(adapter.dispatch('insert_keyed')(relation, key, query)) }}
{%- endmacro %}

{% macro duckdb__insert_keyed(relation, key, query) -%}
    {%- do run_query("insert into " ~ relation ~ " " ~ query) -%}
{%- endmacro %}

{% macro spark__insert_keyed(relation, key, query) -%}
    {#- Only so can several threads write to one table. -#}
    {%- do run_query("set spark.sql.sources.partitionOverwriteMode = dynamic") -%}
    {%- do run_query(
        "insert overwrite table " ~ relation ~ " by name select *" ~ (", md5(_file) as partition_key" if key == '_file')
        ~ " from (" ~ query ~ ") as arriving"
    ) -%}
{%- endmacro %}


{#- Creates a table of a query's rows, in the place of one that is there. -#}
{% macro replace_table(relation, query) -%}
    {{ return(adapter.dispatch('replace_table')(relation, query)) }}
{%- endmacro %}

{% macro duckdb__replace_table(relation, query) -%}
    {%- do run_query("create or replace table " ~ relation ~ " as " ~ query) -%}
{%- endmacro %}

{% macro spark__replace_table(relation, query) -%}
    {%- set unfinished = spark_unfinished(relation) -%}
    {%- do run_query("create table " ~ unfinished ~ " using parquet as " ~ query) -%}
    {%- do run_query("drop table if exists " ~ relation) -%}
    {%- do run_query("alter table " ~ unfinished ~ " rename to " ~ relation) -%}
{%- endmacro %}
