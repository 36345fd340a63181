{#- on-run-start: stop where the engine would give wrong values. -#}
{% macro check_engine() -%}
    {{ return(adapter.dispatch('check_engine')()) }}
{%- endmacro %}

{% macro duckdb__check_engine() -%}
{%- endmacro %}

{% macro spark__check_engine() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'test') -%}
        {%- set zone = run_query("select current_timezone()").columns[0].values()[0] -%}
        {%- if zone not in ('UTC', 'Etc/UTC', 'GMT', 'Z', '+00:00') -%}
            {%- do exceptions.raise_compiler_error(
                "Spark's session time zone is " ~ zone ~ ", and timestamps are UTC here. Set spark.sql.session.timeZone"
                ~ " to UTC where the Thrift server is started."
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#-
  on-run-start: a mark of this run. warehouse/publish.py publishes only a file that this run has built, from all data;
  warehouse/dbt/run.py shows the number of nodes done.
-#}
{% macro sign_run() -%}
    {%- if execute -%}
        {%- do log("Of " ~ selected_resources | length ~ " nodes.", info=true) -%}
    {%- endif -%}
    {{ return(adapter.dispatch('sign_run')()) }}
{%- endmacro %}

{% macro duckdb__sign_run() -%}
    create schema if not exists meta;
    create or replace table meta.dbt_run as
    select
        '{{ invocation_id }}' as invocation_id,
        {% if invocation_args_dict.get('empty') %}'--empty'{% elif invocation_args_dict.get('sample') %}'--sample'{% else %}null{% endif %} as part
{%- endmacro %}

{% macro spark__sign_run() -%}
{%- endmacro %}
