{#- dbt's own test, returning whole rows: an aggregate shows how many rows fail, rows show which. -#}
{% test not_null(model, column_name) %}
    select *
    from {{ model }}
    where {{ column_name }} is null
{% endtest %}
