{#- Values from JSON text. -#}

{#- An array of strings from JSON text such as '["a", "b"]'. -#}
{% macro json_string_list(text) -%}
    {{ return(adapter.dispatch('json_string_list')(text)) }}
{%- endmacro %}

{% macro duckdb__json_string_list(text) -%}
    from_json({{ text }}, '["varchar"]')
{%- endmacro %}

{% macro spark__json_string_list(text) -%}
    from_json({{ text }}, 'array<string>')
{%- endmacro %}


{#- The value of a top-level key of a JSON object as text; null where there is none. The key may be an expression. -#}
{% macro json_value(text, key) -%}
    {{ return(adapter.dispatch('json_value')(text, key)) }}
{%- endmacro %}

{% macro duckdb__json_value(text, key) -%}
    json_extract_string({{ text }}, '$."' || {{ key }} || '"')
{%- endmacro %}

{% macro spark__json_value(text, key) -%}
    get_json_object({{ text }}, '$[' || chr(39) || {{ key }} || chr(39) || ']')
{%- endmacro %}


{#- The same as a double, in quotes or not; null where it is no number as JSON writes them. -#}
{% macro json_number(text, key) -%}
    {{ return(adapter.dispatch('json_number')(text, key)) }}
{%- endmacro %}

{% macro duckdb__json_number(text, key) -%}
    case
        when regexp_full_match({{ json_value(text, key) }}, '-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,2})?')
            then cast({{ json_value(text, key) }} as double)
    end
{%- endmacro %}

{% macro spark__json_number(text, key) -%}
    case
        when regexp_like({{ json_value(text, key) }}, '^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,2})?$')
            then cast({{ json_value(text, key) }} as double)
    end
{%- endmacro %}
