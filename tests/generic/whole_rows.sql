{#-
  dbt's own four tests, returning whole rows: an aggregate of a failing column says how many rows
  are wrong, a row says which. scripts/explain.py prints them.
-#}

{% test not_null(model, column_name) %}
    select *
    from {{ model }}
    where {{ column_name }} is null
{% endtest %}


{#- Numbers are grouped, not texts: where all differ, as they should, nothing is left to be compared. -#}
{% test unique(model, column_name) %}
    {%- set whole = whole_of(model) %}

    with suspects as (
        select {{ row_hash(column_name) }} as key_hash
        from {{ whole }}
        where
            {{ column_name }} is not null
            {%- if whole != model | string %}
            and {{ column_name }} in (select {{ column_name }} from {{ model }})
            {%- endif %}
        group by {{ row_hash(column_name) }}
        having count(*) > 1
    ),

    duplicated as (
        select {{ column_name }}
        from {{ whole }}
        where {{ row_hash(column_name) }} in (select key_hash from suspects)
        group by {{ column_name }}
        having count(*) > 1
    )

    select *
    from {{ model }}
    where {{ column_name }} in (select {{ column_name }} from duplicated)
{% endtest %}


{% test accepted_values(model, column_name, values) %}
    select *
    from {{ model }}
    where
        {{ column_name }} not in (
            {%- for value in values %}'{{ value }}'{{ ", " if not loop.last }}{% endfor -%}
        )
{% endtest %}


{% test relationships(model, column_name, to, field) %}
    select child.*
    from (select * from {{ model }}) as child
    left join {{ to }} as parent
        on child.{{ column_name }} = parent.{{ field }}
    where
        child.{{ column_name }} is not null
        and parent.{{ field }} is null
{% endtest %}
