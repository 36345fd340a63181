{#-
  On DuckDB a table or view takes the place of the one before in one transaction. dbt's own is made beside it, both are
  renamed and the old one is dropped, so that readers don't notice: six statements more, and nobody reads the build file
  while dbt writes it.
-#}
{% materialization table, adapter='duckdb' %}
    {{ return(in_place(this.incorporate(type='table'))) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {{ return(in_place(this.incorporate(type='view'))) }}
{% endmaterialization %}


{#- Makes the calling model as this relation; where it fails, what was there stays. Returns what a materialization does. -#}
{% macro in_place(relation) -%}
    {%- set before = load_cached_relation(relation) -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') -%}
        {{- "drop " ~ before.type ~ " " ~ before ~ ";\n" if before is not none }}
        {{- create_table_as(false, relation, sql) if relation.is_table else create_view_as(relation, sql) }}
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {%- do persist_docs(relation, model) -%}
    {{ adapter.commit() }}
    {{ return({'relations': [relation]}) }}
{%- endmacro %}
