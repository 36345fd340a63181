{#-
  A fingerprint of rows, as a scalar subquery: the sum, modulo 2^64 and in hexadecimal, of a hash of each row. The order
  of columns matters, the order of rows does not; equal rows count. Comparable between builds by one version of DuckDB.
  warehouse/database/marts.py computes a mart's fingerprint the same way.
-#}
{% macro fingerprint(relation) -%}
    {{ return(adapter.dispatch('fingerprint')(relation)) }}
{%- endmacro %}

{% macro duckdb__fingerprint(relation) -%}
    (select {{ hash_text(combined_hash('hash(hashed, 1)')) }} from (select * from {{ relation }}) as hashed)
{%- endmacro %}

{% macro spark__fingerprint(relation) -%}
    (select {{ hash_text(combined_hash('xxhash64(to_json(struct(*)))')) }} from {{ relation }})
{%- endmacro %}


{#- A hash of the values of some columns; nulls are equal to each other. -#}
{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch('row_hash')(columns)) }}
{%- endmacro %}

{% macro duckdb__row_hash(columns) -%}
    hash(row({{ columns }}), 1)
{%- endmacro %}

{#- xxhash64 skips nulls: (1, null) and (null, 1) have the same hash. -#}
{% macro spark__row_hash(columns) -%}
    xxhash64(
        {%- for column in columns.split(', ') -%}
        {{ column }}, {{ column }} is null{{ ", " if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}


{#- An aggregate: combines hashes in any order into one that can be combined again; zero without any. -#}
{% macro combined_hash(hashes) -%}
    {{ return(adapter.dispatch('combined_hash')(hashes)) }}
{%- endmacro %}

{% macro duckdb__combined_hash(hashes) -%}
    cast(coalesce(sum({{ hashes }}), 0) % 18446744073709551616 as ubigint)
{%- endmacro %}

{#- Spark has no unsigned 64-bit integer. -#}
{% macro spark__combined_hash(hashes) -%}
    cast(pmod(coalesce(sum(cast({{ hashes }} as decimal(20, 0))), 0), 18446744073709551616) as decimal(20, 0))
{%- endmacro %}


{#- A hash in hexadecimal. -#}
{% macro hash_text(hash) -%}
    {{ return(adapter.dispatch('hash_text')(hash)) }}
{%- endmacro %}

{% macro duckdb__hash_text(hash) -%}
    printf('%016x', {{ hash }})
{%- endmacro %}

{% macro spark__hash_text(hash) -%}
    lpad(lower(conv(cast({{ hash }} as string), 10, 16)), 16, '0')
{%- endmacro %}


{#- All rows of a relation as one JSON array text of objects, sorted, as a scalar subquery. -#}
{% macro rows_as_json(relation) -%}
    {{ return(adapter.dispatch('rows_as_json')(relation)) }}
{%- endmacro %}

{% macro duckdb__rows_as_json(relation) -%}
    (
        select coalesce(cast(to_json(list(relation_rows order by relation_rows)) as varchar), '[]')
        from (select * from {{ relation }}) as relation_rows
    )
{%- endmacro %}

{% macro spark__rows_as_json(relation) -%}
    (select to_json(array_sort(collect_list(struct(*))), map('ignoreNullFields', 'false')) from {{ relation }})
{%- endmacro %}
