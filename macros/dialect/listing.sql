{#-
  A query for the files below a path: dataset (the name of the file or of the folder that it lies in),
  file, format (json, ndjson, parquet; null for anything else) and version, which changes with the file.
  Names that begin with a dot or an underline are writers' own (_SUCCESS, .part-0.crc).
-#}
{% macro listed_files(path) -%}
    {{ return(adapter.dispatch('listed_files')(path)) }}
{%- endmacro %}

{% macro duckdb__listed_files(path) -%}
    select
        regexp_extract(name, '^[^/.]+') as dataset,
        file,
        nullif(regexp_extract(regexp_replace(lower(name), '(json)[.](gz|zst)$', '\1'), '[.](json|ndjson|parquet)$', 1), '') as format,
        version
    from (
        select
            filename as file,
            substring(filename, length('{{ path | replace("'", "''") }}') + 2) as name,
            size || '-' || epoch_us(last_modified) as version
        from read_blob('{{ path | replace("'", "''") }}/**')
    ) as listed
    where not regexp_matches('/' || name, '/[._]')
{%- endmacro %}
