{#- An aggregate: the texts that are not null, in the order of `order_by`, joined by a separator. -#}
{% macro string_list(text, order_by, separator) -%}
    {{ return(adapter.dispatch('string_list')(text, order_by, separator)) }}
{%- endmacro %}

{% macro duckdb__string_list(text, order_by, separator) -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}

{% macro spark__string_list(text, order_by, separator) -%}
    case
        when count({{ text }}) > 0
            then array_join(
                transform(array_sort(collect_list(struct({{ order_by }}, {{ text }} as item))), entry -> entry.item),
                '{{ separator }}'
            )
    end
{%- endmacro %}


{#- A number as text: at most six decimals, no trailing zeros, no exponent. -#}
{% macro number_text(number) -%}
    {{ return(adapter.dispatch('number_text')(number)) }}
{%- endmacro %}

{% macro duckdb__number_text(number) -%}
    regexp_replace(format('{:.6f}', cast({{ number }} as double)), '\.?0+$', '')
{%- endmacro %}

{% macro spark__number_text(number) -%}
    regexp_replace(replace(format_number(cast({{ number }} as double), 6), ',', ''), '[.]?0+$', '')
{%- endmacro %}


{#- An amount of money as text: 1,234.50. -#}
{% macro money_text(amount) -%}
    {{ return(adapter.dispatch('money_text')(amount)) }}
{%- endmacro %}

{% macro duckdb__money_text(amount) -%}
    format('{:,.2f}', cast({{ amount }} as double))
{%- endmacro %}

{% macro spark__money_text(amount) -%}
    format_number(cast({{ amount }} as double), 2)
{%- endmacro %}


{#- A timestamp in ISO 8601, with microseconds where it has any. -#}
{% macro timestamp_text(timestamp) -%}
    {{ return(adapter.dispatch('timestamp_text')(timestamp)) }}
{%- endmacro %}

{% macro duckdb__timestamp_text(timestamp) -%}
    replace(strftime({{ timestamp }}, '%Y-%m-%dT%H:%M:%S.%f'), '.000000', '')
{%- endmacro %}

{% macro spark__timestamp_text(timestamp) -%}
    replace(date_format({{ timestamp }}, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"), '.000000', '')
{%- endmacro %}


{#- A fraction as a percentage text: 6.4%. -#}
{% macro percent_text(fraction) -%}
    {{ return(adapter.dispatch('percent_text')(fraction)) }}
{%- endmacro %}

{% macro duckdb__percent_text(fraction) -%}
    format('{:.1f}%', 100 * cast({{ fraction }} as double))
{%- endmacro %}

{% macro spark__percent_text(fraction) -%}
    replace(format_number(100 * cast({{ fraction }} as double), 1), ',', '') || '%'
{%- endmacro %}


{#- A text; null where it is blank, that is empty or only white space. -#}
{% macro blank_to_null(text) -%}
    {{ return(adapter.dispatch('blank_to_null')(text)) }}
{%- endmacro %}

{% macro duckdb__blank_to_null(text) -%}
    case when regexp_replace({{ text }}, '^\s+$', '') <> '' then {{ text }} end
{%- endmacro %}

{% macro spark__blank_to_null(text) -%}
    case when regexp_replace({{ text }}, '^[ \t\n\f\r]+$', '') <> '' then {{ text }} end
{%- endmacro %}


{#- In a select list: one row per word of a text; a word is an unbroken run of letters, marks, digits, `_` and `-`. -#}
{% macro each_word(text) -%}
    {{ return(adapter.dispatch('each_word')(text)) }}
{%- endmacro %}

{% macro duckdb__each_word(text) -%}
    unnest(string_split_regex({{ text }}, '[^\p{L}\p{M}\p{Nd}_-]+'))
{%- endmacro %}

{% macro spark__each_word(text) -%}
    explode(split({{ text }}, '[^\\p{L}\\p{M}\\p{Nd}_-]+'))
{%- endmacro %}


{#- The first word of a text. -#}
{% macro first_word(text) -%}
    {{ return(adapter.dispatch('first_word')(text)) }}
{%- endmacro %}

{% macro duckdb__first_word(text) -%}
    regexp_extract({{ text }}, '[\p{L}\p{M}\p{Nd}_-]+')
{%- endmacro %}

{% macro spark__first_word(text) -%}
    regexp_extract({{ text }}, '[\\p{L}\\p{M}\\p{Nd}_-]+', 0)
{%- endmacro %}


{#- Whether a text contains a part, which may be anything, with no word character just before or after it. -#}
{% macro stands_free(text, part) -%}
    {{ return(adapter.dispatch('stands_free')(text, part)) }}
{%- endmacro %}

{% macro duckdb__stands_free(text, part) -%}
    regexp_matches(
        replace({{ text }}, {{ part }}, chr(1)), '(^|[^\p{L}\p{M}\p{Nd}_-])\x01($|[^\p{L}\p{M}\p{Nd}_-])'
    )
{%- endmacro %}

{% macro spark__stands_free(text, part) -%}
    regexp_like(
        replace({{ text }}, {{ part }}, chr(1)),
        '(^|[^\\p{L}\\p{M}\\p{Nd}_-])\\x01($|[^\\p{L}\\p{M}\\p{Nd}_-])'
    )
{%- endmacro %}


{#- Whether a text contains a letter of any script. -#}
{% macro has_letter(text) -%}
    {{ return(adapter.dispatch('has_letter')(text)) }}
{%- endmacro %}

{% macro duckdb__has_letter(text) -%}
    regexp_matches({{ text }}, '\p{L}')
{%- endmacro %}

{% macro spark__has_letter(text) -%}
    regexp_like({{ text }}, '\\p{L}')
{%- endmacro %}


{#- A text's Unicode normal form, to group texts that differ only in it, as é and e with an accent do. -#}
{% macro unicode_form(text) -%}
    {{ return(adapter.dispatch('unicode_form')(text)) }}
{%- endmacro %}

{% macro duckdb__unicode_form(text) -%}
    nfc_normalize({{ text }})
{%- endmacro %}

{#- Spark has a collation for it, but no function. -#}
{% macro spark__unicode_form(text) -%}
    {{ text }} collate UNICODE
{%- endmacro %}
