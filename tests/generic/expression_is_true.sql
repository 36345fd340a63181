{#- The expression is true in every row: a null fails, so one that may be null has to say so. -#}
{% test expression_is_true(model, expression) %}
    select *
    from {{ model }}
    where ({{ expression }}) is distinct from true
{% endtest %}
