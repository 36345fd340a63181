{% macro listed_files(path) -%}
    select
        split_part(split_part(substring(filename, length('{{ path }}') + 2), '/', 1), '.', 1) as dataset,
        filename as file,
        nullif(regexp_extract(lower(filename), '\.(json|ndjson|parquet)(\.(gz|zst))?$', 1), '') as format,
        size || '-' || epoch_us(last_modified) as version
    from read_blob('{{ path | replace("'", "''") }}/**')
    where not regexp_matches(substring(filename, length('{{ path }}') + 1), '/[._]')
{%- endmacro %}

{% macro file_rows(dataset, columns, files) -%}
    select
        {%- for column in columns.values() %}
        {% if column.config.meta.type in ('object','string_list') %}cast(to_json({{ adapter.quote(column.name) }}) as varchar) as {% endif %}{{ adapter.quote(column.name) }},
        {%- endfor %}
        filename as _file
    from read_parquet(['{{ files | join("', '") }}'], hive_partitioning = false)
{%- endmacro %}

{% macro no_rows(columns) -%}
    select
        {%- for column in columns.values() %}
        cast(null as string) as {{ adapter.quote(column.name) }},
        {%- endfor %}
        cast(null as string) as _file
    where false
{%- endmacro %}
{% macro parse_files(dataset, columns, id_field, files, format, relation) %}{% endmacro %}
