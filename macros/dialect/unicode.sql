{#- A text by which to group those that are the same but for their Unicode form, as é and e with an accent are. -#}
{% macro unicode_form(text) -%}
    {{ return(adapter.dispatch('unicode_form')(text)) }}
{%- endmacro %}

{% macro duckdb__unicode_form(text) -%}
    nfc_normalize({{ text }})
{%- endmacro %}

{#- Spark has no function for it, but a collation. -#}
{% macro spark__unicode_form(text) -%}
    {{ text }} collate UNICODE
{%- endmacro %}
