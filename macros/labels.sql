{#- Text that several models show alike. -#}

{#- A label as it is, followed by the id where another row of the query has the same. -#}
{% macro unique_label(label, id) -%}
    {{ label }} || case when count(*) over (partition by {{ label }}) > 1 then ' (' || {{ id }} || ')' else '' end
{%- endmacro %}


{#- The columns that are not null, separated by semicolons. -#}
{% macro joined_reasons(columns) -%}
    concat_ws('; ', {{ columns | join(', ') }})
{%- endmacro %}
