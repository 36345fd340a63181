{#-
  The columns together identify a row, and none of them is null: the key that the published table declares; see
  warehouse/dbt/keys.py. Of a single column, `unique` and `not_null` say the same.
-#}
{% test primary_key(model, combination_of_columns) %}
    {{- test_unique_combination_of_columns(model, combination_of_columns) }}

    union all

    select *
    from {{ model }}
    where {{ combination_of_columns | join(" is null or ") }} is null
{% endtest %}
