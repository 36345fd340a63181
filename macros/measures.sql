{#- The count that a KPI definition names, from a relation that has all three. -#}
{% macro measure_value(measure) -%}
    case {{ measure }}
        when 'impressions' then impressions
        when 'clicks' then clicks
        when 'conversions' then conversions
    end
{%- endmacro %}


{#- A rate as a double: null where the denominator is null or zero. -#}
{% macro rate(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0)
{%- endmacro %}


{#- Relative change from `previous` to `current`, held to -1..1: null without a previous value, or after zero. -#}
{% macro held_relative_change(current, previous) -%}
    case
        when {{ rate(current, previous) }} - 1 > 1 then cast(1 as double)
        when {{ rate(current, previous) }} - 1 < -1 then cast(-1 as double)
        else {{ rate(current, previous) }} - 1
    end
{%- endmacro %}


{#-
  A bound of the 95% Wilson score interval of a proportion; `side` is 'low' or 'high'. Null without
  trials, and where there are more successes than trials. Source: Wilson (1927), "Probable
  inference, the law of succession, and statistical inference", JASA 22; z is the 0.975 quantile
  of the normal distribution.
-#}
{% macro wilson_bound(successes, trials, side) -%}
    {%- set z = '1.959963984540054' -%}
    {%- set n = 'cast(' ~ trials ~ ' as double)' -%}
    {%- set p = '(cast(' ~ successes ~ ' as double) / ' ~ n ~ ')' -%}
    case
        when {{ trials }} is null or {{ trials }} <= 0 or {{ successes }} > {{ trials }} then null
        -- Exact at the ends, where rounding would leave the range of a proportion.
        when {{ successes }} = {{ 0 if side == 'low' else trials }} then cast({{ 0 if side == 'low' else 1 }} as double)
        else (
            {{ p }} + {{ z }} * {{ z }} / (2 * {{ n }})
            {{ '-' if side == 'low' else '+' }} {{ z }} * sqrt(
                {{ p }} * (1 - {{ p }}) / {{ n }} + {{ z }} * {{ z }} / (4 * {{ n }} * {{ n }})
            )
        ) / (1 + {{ z }} * {{ z }} / {{ n }})
    end
{%- endmacro %}


{#- The measures of int_risk_signal_facts that a risk signal's evidence can be checked against. -#}
{% macro risk_signal_measures() -%}
    {%- set measures = ['impressions', 'clicks', 'conversions', 'spend', 'conversion_rate', 'click_through_rate'] -%}
    {%- for stage in var('funnel_stages') -%}
        {%- do measures.append(stage ~ '_count') -%}
    {%- endfor -%}
    {{ return(measures) }}
{%- endmacro %}
