{#-
  Seeds without guesses. dbt-duckdb lets DuckDB sniff the file's dialect ('hello' loses its quotes, "" becomes null)
  and loads by position. Here columns are loaded by name, and only an unquoted empty field is null.
-#}
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
            '{{ model.original_file_path | replace("'", "''") }}',
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
            parallel = false,
            max_line_size = 67108864
        )
    {% endset %}
    {% do adapter.add_query(sql, abridge_sql_log=True) %}
    {%- set loaded = run_query("select count(*) from " ~ this.render()).columns[0].values()[0] -%}
    {#- Blank lines are not rows. -#}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows if loaded != agate_table.rows | length and row.values() | reject('none') | list -%}
        {%- do rows.append(1) -%}
    {%- endfor -%}
    {%- if loaded != agate_table.rows | length and loaded != rows | length -%}
        {%- do exceptions.raise_compiler_error(
            model.original_file_path ~ " has " ~ rows | length ~ " rows, of which " ~ loaded ~ " were loaded: it is no"
            ~ " well-formed CSV. " ~ seed_advice(model)
        ) -%}
    {%- endif -%}
    {{ return(sql) }}
{% endmacro %}

{#-
  On Spark, which can't read the file, the rows that dbt has read are sent as text. dbt reads an empty text and the text
  null as null, quoted or not. A lake keeps both.
-#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set columns = agate_table.column_names | list -%}
    {%- set statements = [] -%}
    {%- for rows in agate_table.rows | batch(1000) -%}
        {%- set bindings = [] -%}
        {%- for row in rows -%}{%- do bindings.extend(row.values()) -%}{%- endfor -%}
        {% set sql %}
            insert into {{ this.render() }} ({% for column in columns %}{{ adapter.quote(column) }}{{ ", " if not loop.last }}{% endfor %})
            select
                {%- for column in columns %}
                cast({{ adapter.quote(column) }} as {{ seed_column_type(model, column) }}) as {{ adapter.quote(column) }}
                {{- "," if not loop.last }}
                {%- endfor %}
            from values
                {%- for row in rows %}
                ({% for column in columns %}%s{{ ", " if not loop.last }}{% endfor %}){{ "," if not loop.last }}
                {%- endfor %}
            as given ({% for column in columns %}{{ adapter.quote(column) }}{{ ", " if not loop.last }}{% endfor %})
        {% endset %}
        {% do adapter.add_query(sql, bindings=bindings, abridge_sql_log=True) %}
        {%- do statements.append(sql) -%}
    {%- endfor -%}
    {{ return(statements | join(';')) }}
{% endmacro %}
