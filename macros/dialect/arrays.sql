{#- In a select list: one row an element of the array; none where it is empty or null. -#}
{% macro unnest_array(array) -%}
    {{ return(adapter.dispatch('unnest_array')(array)) }}
{%- endmacro %}

{% macro duckdb__unnest_array(array) -%}
    unnest({{ array }})
{%- endmacro %}


{#- Number of elements of an array. -#}
{% macro array_length(array) -%}
    {{ return(adapter.dispatch('array_length')(array)) }}
{%- endmacro %}

{% macro duckdb__array_length(array) -%}
    len({{ array }})
{%- endmacro %}


{#- An array of strings as text: its elements, separated by commas; empty where there are none. -#}
{% macro array_text(array) -%}
    {{ return(adapter.dispatch('array_text')(array)) }}
{%- endmacro %}

{% macro duckdb__array_text(array) -%}
    array_to_string({{ array }}, ', ')
{%- endmacro %}
