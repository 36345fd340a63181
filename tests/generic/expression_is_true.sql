{#- The expression is true in every row. Null fails, so an expression that may be null has to handle it. -#}
{% test expression_is_true(model, expression) %}
    select *
    from {{ model }}
    where ({{ expression }}) is distinct from true
{% endtest %}
