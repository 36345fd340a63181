{#-
  A query for the files below a path: file, dataset (the name of the folder that it lies in, or its own),
  `is_alone` (it lies in no folder), format (json, ndjson, parquet; null for anything else) and version,
  which changes with the file. Names that begin with a dot or an underline are writers' own (_SUCCESS).
-#}
{% macro listed_files(path) -%}
    {%- set ending = "'[.]((json|ndjson)([.](" ~ packings() | join("|") ~ "))?|parquet)$'" -%}
    select
        file,
        not contains(name, '/') as is_alone,
        case
            when contains(name, '/') then split_part(name, '/', 1)
            when regexp_extract(name, {{ ending }}, 1) != '' then regexp_replace(name, {{ ending }}, '')
            else split_part(name, '.', 1)
        end as dataset,
        nullif(split_part(regexp_extract(name, {{ ending }}, 1), '.', 1), '') as format,
        version
    from (
        select
            file,
            substring(file, length({{ file_text(path) }}) + 2) as name,
            version
        from (
            {{ files_below(path) }}
        ) as files
    ) as listed
    where regexp_extract('/' || name, '/[._]', 0) = ''
{%- endmacro %}

{#- A query for all files below a path: file (its whole path) and version. -#}
{% macro files_below(path) -%}
    {{ return(adapter.dispatch('files_below')(path)) }}
{%- endmacro %}

{#- warehouse/dbt/file_listing.py lists a folder: DuckDB passes over links, and knows whole seconds only. -#}
{% macro duckdb__files_below(path) -%}
    {%- set listing = env_var('FILE_LISTING', '') -%}
    {%- if '://' not in path and not listing -%}
        {%- do exceptions.raise_compiler_error("A folder is listed by `make build`, or `warehouse build`: use that.") -%}
    {%- endif -%}
    select
        file,
        size || '-' || changed_at as version
    from (
        {%- if '://' in path %}
        select filename as file, size, epoch_ns(last_modified) as changed_at
        from read_blob({{ file_text(file_patterns([path])[0] ~ '/**/*.*') }})
        {%- else %}
        select {{ file_text(path ~ '/') }} || name as file, size, changed_at
        from read_csv(
            {{ file_text(listing) }}, header = false, auto_detect = false, delim = ',', quote = '"', escape = '"',
            columns = {'name': 'varchar', 'size': 'bigint', 'changed_at': 'bigint'}
        )
        {%- endif %}
    ) as files
{%- endmacro %}

{% macro spark__files_below(path) -%}
    {#- A pattern would find other files, and what isn't in its shortest form isn't what files begin with. -#}
    {%- if not modules.re.match('/|[a-z0-9]+://[^/]', path) or modules.re.search('[][*?{}]|(?<!:)//|/[.]{1,2}(/|$)', path) -%}
        {%- do exceptions.raise_compiler_error(
            "raw_path is " ~ path ~ ". On Spark it is an absolute path, or an address with its host, that all workers"
            ~ " can read; without [ ] * ? { }, //, /./ and /../."
        ) -%}
    {%- endif -%}
    {%- do run_query(
        "create or replace temporary view files_below using binaryFile options (path "
        ~ file_text(path) ~ ", recursiveFileLookup 'true')"
    ) -%}
    select
        regexp_replace(path, '^file:(//)?', '') as file,
        length || '-' || unix_millis(modificationTime) as version
    from files_below
{%- endmacro %}

{#- What a text file can be packed as, by the ending of its name. -#}
{% macro packings() -%}
    {{ return(adapter.dispatch('packings')()) }}
{%- endmacro %}

{% macro duckdb__packings() -%}
    {{ return(['gz', 'zst']) }}
{%- endmacro %}

{% macro spark__packings() -%}
    {{ return(['gz', 'bz2']) }}
{%- endmacro %}
