{#- JSON text as models need it. -#}

{#- An array of strings from JSON text such as '["a", "b"]'. -#}
{% macro json_string_list(text) -%}
    {{ return(adapter.dispatch('json_string_list')(text)) }}
{%- endmacro %}

{% macro duckdb__json_string_list(text) -%}
    from_json({{ text }}, '["varchar"]')
{%- endmacro %}


{#- The value of a top-level key of a JSON object as text; null where there is none. The key may be an expression. -#}
{% macro json_value(text, key) -%}
    {{ return(adapter.dispatch('json_value')(text, key)) }}
{%- endmacro %}

{% macro duckdb__json_value(text, key) -%}
    json_extract_string({{ text }}, '$."' || {{ key }} || '"')
{%- endmacro %}
