{#-
  An order-free fingerprint of rows, as a scalar subquery: the MD5 of the sorted MD5s of the rows.
  The order of rows and of columns doesn't matter; null, the empty string and values with any
  separator in them stay apart.
-#}
{% macro fingerprint(relation) -%}
    {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='name') | sort -%}
    {{ return(adapter.dispatch('fingerprint')(relation, columns)) }}
{%- endmacro %}

{% macro duckdb__fingerprint(relation, columns) -%}
    (
        select md5(coalesce(string_agg(row_hash, '' order by row_hash), ''))
        from (
            select
                md5(concat(
                    {%- for column in columns %}
                    coalesce(length(cast({{ adapter.quote(column) }} as varchar)) || ':' || cast({{ adapter.quote(column) }} as varchar), 'null'), ','
                    {{- "," if not loop.last }}
                    {%- endfor %}
                )) as row_hash
            from {{ relation }}
        ) as hashed_rows
    )
{%- endmacro %}


{#- All rows of a relation as one JSON array text of objects, sorted, as a scalar subquery. -#}
{% macro rows_as_json(relation) -%}
    {{ return(adapter.dispatch('rows_as_json')(relation)) }}
{%- endmacro %}

{% macro duckdb__rows_as_json(relation) -%}
    (
        select coalesce(cast(to_json(list(relation_rows order by relation_rows)) as varchar), '[]')
        from {{ relation }} as relation_rows
    )
{%- endmacro %}
