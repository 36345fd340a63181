{#-
  The materialization `incremental_by_day`: dbt's incremental one under another name. dbt 2 can run a unit test of an
  `incremental` model only if its table exists, so a first build would fail.
-#}

{% materialization incremental_by_day, adapter='duckdb' %}
    {{ return(materialization_incremental_duckdb()) }}
{% endmaterialization %}

{% materialization incremental_by_day, adapter='spark' %}
    {{ return(materialization_incremental_spark()) }}
{% endmaterialization %}


{#-
  The incremental strategy `replace_days`: the rows of new days replace the old rows of these days. On DuckDB rows are
  deleted and inserted in one transaction. On Spark a day is a partition of the table: a deleted day's partition is
  dropped, and the others are overwritten.
-#}

{% macro get_incremental_replace_days_sql(arguments) -%}
    {%- set columns = arguments.dest_columns | map(attribute='quoted') | join(', ') -%}
    {%- set by_day = config.get('meta').by_day -%}
    delete from {{ arguments.target_relation }}
    where
        {{ by_day.column }} in {{ new_days(by_day.dataset) }}
        or {{ by_day.column }} in (select {{ by_day.column }} from {{ arguments.temp_relation }});

    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }} from {{ arguments.temp_relation }}
{%- endmacro %}

{% macro spark_replace_days_sql(source, target) -%}
    {%- set by_day = config.get('meta').by_day -%}
    {%- set columns = adapter.get_columns_in_relation(target) | map(attribute='quoted') | join(', ') -%}
    {%- set gone -%}
        select cast(day as string)
        from {{ new_days(by_day.dataset) }} as replaced
        where not exists (select 1 from {{ source }} as arriving where arriving.{{ by_day.column }} = replaced.day)
    {%- endset -%}
    {%- for day in run_query(gone).columns[0].values() -%}
        {%- do run_query("alter table " ~ target ~ " drop if exists partition (" ~ by_day.column ~ " = '" ~ day ~ "')") -%}
    {%- endfor -%}
    {%- do run_query("set spark.sql.sources.partitionOverwriteMode = dynamic") %}
    insert overwrite table {{ target }} partition ({{ by_day.column }})
    select {{ columns }} from {{ source }}
{%- endmacro %}
