{#- An aggregate: the texts that are not null, in the order of `order_by`, with a separator between them. -#}
{% macro string_list(text, order_by, separator) -%}
    {{ return(adapter.dispatch('string_list')(text, order_by, separator)) }}
{%- endmacro %}

{% macro duckdb__string_list(text, order_by, separator) -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}


{#- A number as people read it: at most six decimals, none that are zero at the end, no exponent. -#}
{% macro number_text(number) -%}
    {{ return(adapter.dispatch('number_text')(number)) }}
{%- endmacro %}

{% macro duckdb__number_text(number) -%}
    regexp_replace(format('{:.6f}', cast({{ number }} as double)), '\.?0+$', '')
{%- endmacro %}


{#- An amount of money with its thousands separated: 1,234.50. -#}
{% macro money_text(amount) -%}
    {{ return(adapter.dispatch('money_text')(amount)) }}
{%- endmacro %}

{% macro duckdb__money_text(amount) -%}
    format('{:,.2f}', cast({{ amount }} as double))
{%- endmacro %}


{#- A timestamp in ISO 8601, with microseconds where it has any. -#}
{% macro timestamp_text(timestamp) -%}
    {{ return(adapter.dispatch('timestamp_text')(timestamp)) }}
{%- endmacro %}

{% macro duckdb__timestamp_text(timestamp) -%}
    replace(strftime({{ timestamp }}, '%Y-%m-%dT%H:%M:%S.%f'), '.000000', '')
{%- endmacro %}


{#- The columns that are not null, separated by semicolons. -#}
{% macro joined_reasons(columns) -%}
    concat_ws('; ', {{ columns | join(', ') }})
{%- endmacro %}


{#- A fraction as people read it: 6.4%. -#}
{% macro percent_text(fraction) -%}
    {{ return(adapter.dispatch('percent_text')(fraction)) }}
{%- endmacro %}

{% macro duckdb__percent_text(fraction) -%}
    format('{:.1f}%', 100 * cast({{ fraction }} as double))
{%- endmacro %}


{#- A text as it is, or null where it is blank: empty, or nothing but white space. -#}
{% macro blank_to_null(text) -%}
    case when regexp_replace({{ text }}, '^\s+$', '') <> '' then {{ text }} end
{%- endmacro %}
