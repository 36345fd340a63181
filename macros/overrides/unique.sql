{#-
  dbt's own test, returning whole rows, and judging those that are taken in among all. Numbers are grouped, not texts:
  where all differ, as they should, nothing is left to be compared.
-#}
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


{#- The relation of which `arrived` gave a part, as a test gets it: text. -#}
{% macro whole_of(model) -%}
    {%- set within = (relation_in('arrivals', '_') | string).rsplit('.', 1)[0] ~ '.' -%}
    {{ return(model | string | replace(within, (relation_in('staging', '_') | string).rsplit('.', 1)[0] ~ '.')) }}
{%- endmacro %}
