{#-
  A number, text or double, as a decimal of 18 digits, rounded half up by its printed text: the double 1.005, which is
  slightly less than that, counts as half a cent more than 1.00.
-#}
{% macro exact_decimal(number, scale) -%}
    {{ return(adapter.dispatch('exact_decimal')(number, scale)) }}
{%- endmacro %}

{#- DuckDB casts 5e-17 to decimal(18,6) as 0.000001, but not to 18 decimal places. -#}
{% macro duckdb__exact_decimal(number, scale) -%}
    {%- set type = "decimal(18, " ~ scale ~ ")" -%}
    {%- set text = "cast(" ~ number ~ " as string)" -%}
    case
        when contains(lower({{ text }}), 'e') then cast(cast({{ text }} as decimal(38, 18)) as {{ type }})
        else cast({{ text }} as {{ type }})
    end
{%- endmacro %}

{#- Spark casts a double by its text. -#}
{% macro spark__exact_decimal(number, scale) -%}
    cast({{ number }} as decimal(18, {{ scale }}))
{%- endmacro %}
