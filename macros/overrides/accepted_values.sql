{#- dbt's own test, returning whole rows: counts by value don't say which records are wrong. -#}
{% test accepted_values(model, column_name, values) %}
    select *
    from {{ model }}
    where
        {{ column_name }} not in (
            {%- for value in values %}'{{ value }}'{{ ", " if not loop.last }}{% endfor -%}
        )
{% endtest %}
