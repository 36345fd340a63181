{#-
  A seed's table as its YAML declares it; an error where the file has other columns. dbt would infer each column's type
  and turn 00000001 into 1.
-#}
{% macro duckdb__create_csv_table(model, agate_table) %}
    {{ return(create_seed_table(model, agate_table)) }}
{% endmacro %}

{% macro spark__create_csv_table(model, agate_table) %}
    {{ return(create_seed_table(model, agate_table)) }}
{% endmacro %}

{% macro create_seed_table(model, agate_table) %}
    {%- set found = agate_table.column_names | list -%}
    {%- set declared = model.columns.keys() | list -%}
    {%- if found | sort != declared | sort -%}
        {%- do exceptions.raise_compiler_error(
            model.original_file_path ~ " has the columns " ~ found | join(", ") ~ ", but its YAML declares "
            ~ declared | join(", ") ~ ". " ~ seed_advice(model)
        ) -%}
    {%- endif -%}
    {% set sql %}
        create table {{ this.render() }} (
            {%- for column in declared %}
            {{ adapter.quote(column) }} {{ seed_column_type(model, column) }} {{- "," if not loop.last }}
            {%- endfor %}
        )
    {% endset %}
    {% call statement('_') %}{{ sql }}{% endcall %}
    {{ return(sql) }}
{% endmacro %}
