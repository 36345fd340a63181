{#- For the derivations see docs/decisions.md, "Experiments that may be watched". -#}

{#-
  P-value of a z statistic that is valid at every look; null for null. `u` is the information so far, on the scale of
  the test's tuning. Source: Robbins (1970), normal mixture; Waudby-Smith et al. (2024), "Time-uniform central limit
  theory".
-#}
{% macro sequential_p_value(z, u) -%}
    case
        when {{ z }} is null then null
        when {{ u }} > 0
            then exp(least(0.5 * ln(1 + {{ u }}) - {{ u }} * {{ z }} * {{ z }} / (2 * (1 + {{ u }})), 0))
        else cast(1 as double)
    end
{%- endmacro %}


{#-
  A bound of the ratios of two arms that a test with critical value `b` does not reject: a root of (R - ratio S)^2 = b^2
  ratio P. `side` is 'low' or 'high'; columns weighted_variant (R), weighted_control (S), variance (P). Null without
  variance; the high bound also where the control has no success.
-#}
{% macro ratio_bound(side, b) -%}
    case
        when weighted_variant > 0 and weighted_control > 0 and variance > 0
            then
                weighted_variant / weighted_control * exp(
                    {{ '-' if side == 'low' else '' }}2 * asinh(
                        {{ b }} * sqrt(variance / (weighted_variant * weighted_control)) / 2
                    )
                )
        when variance > 0 and {{ b }} > 0
            {%- if side == 'low' %}
            then weighted_variant * weighted_variant / ({{ b }} * {{ b }} * variance)
            {%- else %}
            and weighted_control > 0
            then {{ b }} * {{ b }} * variance / (weighted_control * weighted_control)
            {%- endif %}
    end
{%- endmacro %}


{#-
  How much more the pairs of a comparison vary than chance has them: the sum of (variant - ratio control)^2 over its `rows`
  pairs, written as squares - 2 factor products + factor^2 control_squares, beside `variance`. With sums of the variant's
  terms the factor is the ratio; with sums of the differences to the control's it is the ratio less 1. Needs a column `ratio`;
  null for one pair, or without variance.
-#}
{% macro variation_beyond_chance(rows, variance, squares, products, control_squares, factor) -%}
    {{ rows }} / nullif(cast({{ rows }} as double) - 1, 0)
    * ({{ squares }} - 2 * {{ factor }} * {{ products }} + {{ factor }} * {{ factor }} * {{ control_squares }})
    / (ratio * nullif({{ variance }}, 0))
{%- endmacro %}
