{#-
  Seeds on DuckDB, without guesses. dbt would infer each column's type (00000001 becomes 1), and
  dbt-duckdb would let DuckDB sniff the file's dialect ('hello' loses its quotes, "" becomes null)
  and load by position. Here a column has the `data_type` that its YAML declares, text where it
  declares none; columns are loaded by name; and an unquoted empty field, nothing else, is null.
-#}

{% macro seed_column_type(model, column) -%}
    {{ return((model.columns.get(column) or {}).get('data_type') or 'string') }}
{%- endmacro %}

{% macro duckdb__create_csv_table(model, agate_table) %}
    {%- set found = agate_table.column_names | list -%}
    {%- set declared = model.columns.keys() | list -%}
    {%- if found | sort != declared | sort -%}
        {%- do exceptions.raise_compiler_error(
            "Seed " ~ model.name ~ " has the columns " ~ found | join(", ") ~ ", but its YAML declares "
            ~ declared | join(", ") ~ ". Raw seeds are written by scripts/json_to_seeds.py: run it."
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

{% macro duckdb__load_csv_rows(model, agate_table) %}
    {%- set columns = agate_table.column_names | list -%}
    {% set sql %}
        insert into {{ this.render() }} by name
        select
            {%- for column in columns %}
            cast({{ adapter.quote(column) }} as {{ seed_column_type(model, column) }}) as {{ adapter.quote(column) }}
            {{- "," if not loop.last }}
            {%- endfor %}
        from read_csv(
            '{{ adapter.get_seed_file_path(model) | replace("'", "''") }}',
            columns = {
                {%- for column in columns -%}
                '{{ column }}': 'varchar' {{- ", " if not loop.last }}
                {%- endfor -%}
            },
            header = true,
            auto_detect = false,
            delim = ',',
            quote = '"',
            escape = '"',
            nullstr = '',
            allow_quoted_nulls = false,
            -- Hand-edited seeds come with either line end, or with both.
            strict_mode = false,
            parallel = false,
            max_line_size = 67108864
        )
    {% endset %}
    {% do adapter.add_query(sql, abridge_sql_log=True) %}
    {%- set loaded = run_query("select count(*) from " ~ this.render()).columns[0].values()[0] -%}
    {%- if loaded != agate_table.rows | length -%}
        {%- do exceptions.raise_compiler_error(
            "Seed " ~ model.name ~ " has " ~ agate_table.rows | length ~ " rows, of which " ~ loaded
            ~ " were loaded: its CSV is malformed. Raw seeds are written by scripts/json_to_seeds.py: run it."
        ) -%}
    {%- endif -%}
    {{ return(sql) }}
{% endmacro %}
