{#-
  dbt's own test, returning whole rows. `judged` is a condition for the rows that are compared with all rows and
  returned. Hashes are grouped first, so that texts are compared only where hashes are equal.
-#}
{% test unique(model, column_name, judged='true') %}
    with suspects as (
        select {{ row_hash(column_name) }} as key_hash
        from {{ model }}
        where
            {{ column_name }} is not null
            {%- if judged != 'true' %}
            and {{ column_name }} in (select {{ column_name }} from {{ model }} where {{ judged }})
            {%- endif %}
        group by {{ row_hash(column_name) }}
        having count(*) > 1
    ),

    duplicated as (
        select {{ column_name }}
        from {{ model }}
        where {{ row_hash(column_name) }} in (select key_hash from suspects)
        group by {{ column_name }}
        having count(*) > 1
    )

    select *
    from {{ model }}
    where {{ column_name }} in (select {{ column_name }} from duplicated) and {{ judged }}
{% endtest %}
