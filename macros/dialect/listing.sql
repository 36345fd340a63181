{#-
  A query for the files below a path: file, dataset (the name of the folder that it lies in, or its own),
  `is_alone` (it lies in no folder), format (json, ndjson, parquet; null for anything else) and version,
  which changes with the file. Names that begin with a dot or an underline are writers' own (_SUCCESS).
-#}
{% macro listed_files(path) -%}
    {{ return(adapter.dispatch('listed_files')(path)) }}
{%- endmacro %}

{% macro duckdb__listed_files(path) -%}
    {%- set ending = "'[.]((json|ndjson)([.](gz|zst))?|parquet)$'" -%}
    select
        file,
        not contains(name, '/') as is_alone,
        case
            when not is_alone then split_part(name, '/', 1)
            when regexp_matches(name, {{ ending }}) then regexp_replace(name, {{ ending }}, '')
            else split_part(name, '.', 1)
        end as dataset,
        nullif(split_part(regexp_extract(name, {{ ending }}, 1), '.', 1), '') as format,
        version
    from (
        select
            file,
            substring(file, length({{ file_text(path) }}) + 2) as name,
            size || '-' || changed_at as version
        from (
            {%- if '://' in path %}
            select filename as file, size, epoch_ns(last_modified) as changed_at
            from read_blob({{ file_text(file_pattern(path) ~ '/**/*.*') }})
            {%- else %}
            select unnest(list_files({{ file_text(path) }}), recursive := true)
            {%- endif %}
        ) as files
    ) as listed
    where not regexp_matches('/' || name, '/[._]')
{%- endmacro %}
