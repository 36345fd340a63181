{#-
  Seeds without guesses. dbt would infer each column's type (00000001 becomes 1), and dbt-duckdb would let DuckDB sniff
  the file's dialect ('hello' loses its quotes, "" becomes null) and load by position. Here a column has the `data_type`
  that its YAML declares, text where it declares none; columns are loaded by name; and, on DuckDB, an unquoted empty
  field, nothing else, is null.
-#}

{% macro seed_column_type(model, column) -%}
    {{ return((model.columns.get(column) or {}).get('data_type') or 'string') }}
{%- endmacro %}

{% macro seed_advice(model) -%}
    {{ return(
        "It is written by scripts/json_to_seeds.py: run it."
        if model.name.startswith("raw_")
        else "Its first line names the columns, and commas separate them."
    ) }}
{%- endmacro %}

{#- Creates a seed's table as its YAML declares it; stops where the file has other columns. -#}
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

{% macro duckdb__create_csv_table(model, agate_table) %}
    {{ return(create_seed_table(model, agate_table)) }}
{% endmacro %}

{% macro spark__create_csv_table(model, agate_table) %}
    {{ return(create_seed_table(model, agate_table)) }}
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
            parallel = false,
            max_line_size = 67108864
        )
    {% endset %}
    {% do adapter.add_query(sql, abridge_sql_log=True) %}
    {%- set loaded = run_query("select count(*) from " ~ this.render()).columns[0].values()[0] -%}
    {#- Blank lines are no rows. -#}
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
  What dbt has read of the file is sent as text. dbt takes an empty text, and one that says null, for
  none, in quotes or not: only here, where a cluster can't read the file. `raw: files` loses nothing.
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


{#-
  dbt's own reader of seeds, told each column's type as if it were configured. Else it guesses, and
  fails on a text that could be a number but is too large for one, such as 1e999999999.
-#}
{% macro load_agate_table() %}
    {%- for column in model.columns -%}
        {%- do config.model.config.column_types.update({column: seed_column_type(model, column)}) -%}
    {%- endfor -%}
    {{ return(builtins.load_agate_table()) }}
{% endmacro %}
