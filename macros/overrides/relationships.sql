{#- dbt's own test, returning whole rows: the column's values alone don't show which records fail. -#}
{% test relationships(model, column_name, to, field) %}
    select child.*
    from (select * from {{ model }}) as child
    left join {{ to }} as parent
        on child.{{ column_name }} = parent.{{ field }}
    where
        child.{{ column_name }} is not null
        and parent.{{ field }} is null
{% endtest %}
