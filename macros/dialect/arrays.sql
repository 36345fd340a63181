{#- In a select list: one row per element of the array; none where it is empty or null. -#}
{% macro unnest_array(array) -%}
    {{ return(adapter.dispatch('unnest_array')(array)) }}
{%- endmacro %}

{% macro duckdb__unnest_array(array) -%}
    unnest({{ array }})
{%- endmacro %}

{% macro spark__unnest_array(array) -%}
    explode({{ array }})
{%- endmacro %}


{#- Number of elements of an array. -#}
{% macro array_length(array) -%}
    {{ return(adapter.dispatch('array_length')(array)) }}
{%- endmacro %}

{% macro duckdb__array_length(array) -%}
    len({{ array }})
{%- endmacro %}

{% macro spark__array_length(array) -%}
    case when {{ array }} is not null then size({{ array }}) end
{%- endmacro %}


{#- An array of strings as text: its elements, separated by commas; empty where there are none. -#}
{% macro array_text(array) -%}
    {{ return(adapter.dispatch('array_text')(array)) }}
{%- endmacro %}

{% macro duckdb__array_text(array) -%}
    array_to_string({{ array }}, ', ')
{%- endmacro %}

{% macro spark__array_text(array) -%}
    array_join({{ array }}, ', ')
{%- endmacro %}
