{#- Values lie between min_value and max_value, either of which may be left out; a null is in range. -#}
{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) %}
    {%- set equal = "=" if inclusive else "" %}

    select *
    from {{ model }}
    where
        1 = 2
        {%- if min_value is not none %}
        or not ({{ column_name }} >{{ equal }} {{ min_value }})
        {%- endif %}
        {%- if max_value is not none %}
        or not ({{ column_name }} <{{ equal }} {{ max_value }})
        {%- endif %}
{% endtest %}
