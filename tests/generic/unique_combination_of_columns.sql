{#- The columns together identify a row; nulls are equal to each other. -#}
{% test unique_combination_of_columns(model, combination_of_columns) %}
    {%- set key = combination_of_columns | join(", ") %}

    with duplicated as (
        select {{ key }}
        from {{ model }}
        group by {{ key }}
        having count(*) > 1
    )

    select rows_of_model.*
    from (select * from {{ model }}) as rows_of_model
    inner join duplicated
        on
            {%- for column in combination_of_columns %}
            rows_of_model.{{ column }} is not distinct from duplicated.{{ column }}
            {{- " and" if not loop.last }}
            {%- endfor %}
{% endtest %}
