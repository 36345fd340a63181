{#- dbt's own test, returning whole rows: an aggregate says how many rows are wrong, a row says which. -#}
{% test not_null(model, column_name) %}
    select *
    from {{ model }}
    where {{ column_name }} is null
{% endtest %}
