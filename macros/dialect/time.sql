{#- The last microsecond of a date, as a timestamp; the same SQL on both engines. -#}
{% macro end_of_day(date) -%}
    cast({{ date }} as timestamp) + interval 1 day - interval 1 microsecond
{%- endmacro %}


{#- A date plus a number of days; `days` may be an expression, or negative. -#}
{% macro add_days(date, days) -%}
    {{ return(adapter.dispatch('add_days')(date, days)) }}
{%- endmacro %}

{% macro duckdb__add_days(date, days) -%}
    {{ date }} + cast({{ days }} as integer)
{%- endmacro %}

{% macro spark__add_days(date, days) -%}
    date_add({{ date }}, cast({{ days }} as integer))
{%- endmacro %}


{#- Whole days from one date to a later one. -#}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    date_diff('day', {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}


{#- In a select list: one row per day from a date to a later one, both included. -#}
{% macro each_day(first, last) -%}
    {{ return(adapter.dispatch('each_day')(first, last)) }}
{%- endmacro %}

{% macro duckdb__each_day(first, last) -%}
    cast(unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day)) as date)
{%- endmacro %}

{#- Without a step, a sequence runs backwards where the first day is after the last. -#}
{% macro spark__each_day(first, last) -%}
    explode(case when {{ first }} <= {{ last }} then sequence({{ first }}, {{ last }}, interval 1 day) end)
{%- endmacro %}


{#- A timestamp plus a number of minutes; `minutes` may be an expression. -#}
{% macro add_minutes(timestamp, minutes) -%}
    {{ return(adapter.dispatch('add_minutes')(timestamp, minutes)) }}
{%- endmacro %}

{% macro duckdb__add_minutes(timestamp, minutes) -%}
    {{ timestamp }} + to_minutes(cast({{ minutes }} as bigint))
{%- endmacro %}

{% macro spark__add_minutes(timestamp, minutes) -%}
    timestamp_micros(unix_micros({{ timestamp }}) + cast({{ minutes }} as bigint) * 60000000)
{%- endmacro %}


{#- Minutes from one timestamp to a later one, as a double with its fraction. -#}
{% macro minutes_between(earlier, later) -%}
    {{ return(adapter.dispatch('minutes_between')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__minutes_between(earlier, later) -%}
    date_diff('microsecond', {{ earlier }}, {{ later }}) / cast(60000000 as double)
{%- endmacro %}

{% macro spark__minutes_between(earlier, later) -%}
    (unix_micros({{ later }}) - unix_micros({{ earlier }})) / cast(60000000 as double)
{%- endmacro %}
