{#- What a generic test reads: only what is taken in, since the rest was tested before, unless the test says `where`. -#}
{% macro get_where_subquery(relation) -%}
    {%- if config.get('where') -%}
        {{ return(dbt.get_where_subquery(relation)) }}
    {%- endif -%}
    {{ return(arrived(relation) if relation.identifier[:4] == 'stg_' else taken_in(relation)) }}
{%- endmacro %}
