{#-
  The materialization `incremental_by_day`: dbt's incremental one, by another name. dbt 2 can run a unit test of a model
  that is `incremental` only once its table is there, so that a first build would stop at it.
-#}

{% materialization incremental_by_day, adapter='duckdb' %}
    {{ return(materialization_incremental_duckdb()) }}
{% endmaterialization %}

{% materialization incremental_by_day, adapter='spark' %}
    {{ return(materialization_incremental_spark()) }}
{% endmaterialization %}


{#-
  The incremental strategy `replace_days`: what is taken in replaces what was there of those days. On
  DuckDB rows are deleted and inserted in one transaction. On Spark a day is a partition of the table, and
  a day that is gone is dropped, and what has rows overwrites its partition.
-#}

{% macro get_incremental_replace_days_sql(arguments) -%}
    {%- set columns = arguments.dest_columns | map(attribute='quoted') | join(', ') -%}
    {%- set by_day = config.get('meta').by_day -%}
    {#- A record of no day is in no accepted file, and so is among those that are read again. #}
    delete from {{ arguments.target_relation }}
    where {{ by_day.column }} in {{ arrived_days(by_day.dataset) }} or {{ by_day.column }} is null;

    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }} from {{ arguments.temp_relation }}
{%- endmacro %}

{% macro spark_replace_days_sql(source, target) -%}
    {%- set by_day = config.get('meta').by_day -%}
    {%- set columns = adapter.get_columns_in_relation(target) | map(attribute='quoted') | join(', ') -%}
    {%- set gone -%}
        select cast(day as string)
        from (
            select day from {{ arrived_days(by_day.dataset) }} as arrived
            union all
            select cast(null as date) as day
        ) as replaced
        where not exists (select 1 from {{ source }} as arriving where arriving.{{ by_day.column }} <=> replaced.day)
    {%- endset -%}
    {%- for day in run_query(gone).columns[0].values() -%}
        {%- set value = "'" ~ day ~ "'" if day else 'null' -%}
        {%- do run_query("alter table " ~ target ~ " drop if exists partition (" ~ by_day.column ~ " = " ~ value ~ ")") -%}
    {%- endfor -%}
    {%- do run_query("set spark.sql.sources.partitionOverwriteMode = dynamic") %}
    insert overwrite table {{ target }} partition ({{ by_day.column }})
    select {{ columns }} from {{ source }}
{%- endmacro %}
