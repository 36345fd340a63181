{#- The count that a KPI definition names, from a relation with all three counts, with a prefix. -#}
{% macro measure_value(measure, prefix='') -%}
    case {{ measure }}
        when 'impressions' then {{ prefix }}impressions
        when 'clicks' then {{ prefix }}clicks
        when 'conversions' then {{ prefix }}conversions
    end
{%- endmacro %}


{#- A rate as a double: null where the denominator is null or zero. -#}
{% macro rate(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0)
{%- endmacro %}


{#- A sum or quotient of money in cents, half a cent rounded up, also where a double is a little below the half. -#}
{% macro as_money(value) -%}
    cast(round(cast({{ value }} as decimal(38, 18)), 6) as decimal(18, 2))
{%- endmacro %}


{#- Relative change from `previous` to `current`, clamped to -1..1; null where `previous` is null or zero. -#}
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


{#-
  The 0.975 quantile of Student's t distribution, for two-sided 95% intervals, from a table up to 30 degrees of freedom;
  above, the value for 30, which is slightly too wide. Null below 1. tests/python/macros/test_normal_distribution.py
  compares it with SciPy.
-#}
{% macro student_t_quantile(degrees_of_freedom) -%}
    {%- set quantiles = [
        '12.706204736174694', '4.302652729749462', '3.1824463052837078', '2.7764451051977934', '2.5705818356363146',
        '2.4469118511449786', '2.364624251592784', '2.306004135204166', '2.262157162798205', '2.228138851986274',
        '2.200985160091639', '2.1788128296672284', '2.1603686564627913', '2.144786687917804', '2.131449545559776',
        '2.1199052992212546', '2.1098155778333156', '2.1009220402410382', '2.0930240544083087', '2.085963447265864',
        '2.0796138447276795', '2.0738730679040254', '2.0686576104190486', '2.0638985616280245', '2.0595385527532972',
        '2.0555294386428735', '2.0518305164802846', '2.0484071417952454', '2.045229642132703', '2.0422724563012378'
    ] -%}
    case
        {%- for quantile in quantiles %}
        when {{ degrees_of_freedom }} = {{ loop.index }} then cast({{ quantile }} as double)
        {%- endfor %}
        when {{ degrees_of_freedom }} > {{ quantiles | length }} then cast({{ quantiles | last }} as double)
    end
{%- endmacro %}


{#- The measures of int_risk_signal_facts that a risk signal's evidence can be checked against. -#}
{% macro risk_signal_measures() -%}
    {%- set measures = [
        'impressions', 'clicks', 'conversions', 'spend', 'conversion_rate', 'click_through_rate',
        'current_daily_spend', 'prior_daily_spend'
    ] -%}
    {%- for stage in var('funnel_stages') -%}
        {%- do measures.append(stage ~ '_count') -%}
    {%- endfor -%}
    {{ return(measures) }}
{%- endmacro %}


{#-
  Sum of a measure over the first `number` of days_covered days, in whole counts; money in cents where all of it is in
  cents, else in millionths. All days together have the whole sum. Computed in whole numbers, whose halves both engines
  round alike.
-#}
{% macro part_so_far(measure, number, is_money) -%}
    case
        when {{ number }} = days_covered then {{ measure }}
        {%- if is_money %}
        when {{ measure }} * 100 = round({{ measure }} * 100)
            then cast(round(cast({{ measure }} * 100 as double) * {{ number }} / days_covered) as decimal(18, 0)) * 0.01
        else cast(round(cast({{ measure }} * 1000000 as double) * {{ number }} / days_covered) as decimal(18, 0)) * 0.000001
        {%- else %}
        else cast(round(cast({{ measure }} as double) * {{ number }} / days_covered) as bigint)
        {%- endif %}
    end
{%- endmacro %}


{#-
  Measures that are compared with the week before: counts and money, then rates with their numerator and denominator.
-#}
{% macro weekly_sums() -%}
    {{ return(['impressions', 'clicks', 'conversions', 'spend', 'revenue_proxy']) }}
{%- endmacro %}

{% macro weekly_rates() -%}
    {{ return({
        'click_through_rate': ('clicks', 'impressions'),
        'conversion_rate': ('conversions', 'impressions'),
        'cost_per_conversion': ('spend', 'conversions'),
        'return_on_ad_spend': ('revenue_proxy', 'spend'),
    }) }}
{%- endmacro %}
