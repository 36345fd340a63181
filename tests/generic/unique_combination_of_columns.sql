{#-
  The columns together identify a row; nulls are equal to each other. Hashes are grouped first, so
  that columns are compared only where hashes are equal.
-#}
{% test unique_combination_of_columns(model, combination_of_columns) %}
    {%- set key = combination_of_columns | join(", ") %}

    with suspects as (
        select {{ row_hash(key) }} as key_hash
        from {{ model }}
        group by {{ row_hash(key) }}
        having count(*) > 1
    ),

    candidates as (
        select *
        from (select * from {{ model }}) as rows_of_model
        where {{ row_hash(key) }} in (select key_hash from suspects)
    ),

    duplicated as (
        select {{ key }}
        from candidates
        group by {{ key }}
        having count(*) > 1
    )

    select candidates.*
    from candidates
    inner join duplicated
        on
            {%- for column in combination_of_columns %}
            candidates.{{ column }} is not distinct from duplicated.{{ column }}
            {{- " and" if not loop.last }}
            {%- endfor %}
{% endtest %}
