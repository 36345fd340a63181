{#- A label as it is, followed by the id where another row of the query has the same. -#}
{% macro unique_label(label, id) -%}
    {{ label }} || case when count(*) over (partition by {{ label }}) > 1 then ' (' || {{ id }} || ')' else '' end
{%- endmacro %}
