{#-
  A query for the files below a path: file, dataset (the name of the folder that it lies in, or its own),
  `is_alone` (it lies in no folder), format (json, ndjson, parquet; null for anything else) and version,
  which changes with the file. Names that begin with a dot or an underline are writers' own (_SUCCESS).
-#}
{% macro listed_files(path) -%}
    {{ return(adapter.dispatch('listed_files')(path)) }}
{%- endmacro %}

{% macro duckdb__listed_files(path) -%}
    {%- set path = path | replace("'", "''") -%}
    {%- set ending = "'[.](?:(json|ndjson)(?:[.](?:gz|zst))?|parquet)$'" -%}
    select
        file,
        not contains(name, '/') as is_alone,
        case
            when not is_alone then split_part(name, '/', 1)
            when regexp_matches(lower(name), {{ ending }}) then regexp_replace(name, {{ ending }}, '', 'i')
            else regexp_extract(name, '^[^.]*')
        end as dataset,
        case when regexp_matches(lower(name), {{ ending }}) then regexp_extract(lower(name), '[.](json|ndjson|parquet)([.](gz|zst))?$', 1) end as format,
        version
    from (
        select
            filename as file,
            substring(filename, length('{{ path }}') + 2) as name,
            size || '-' || epoch_us(last_modified) as version
        from read_blob('{{ path }}/**')
    ) as listed
    where not regexp_matches('/' || name, '/[._]')
{%- endmacro %}
