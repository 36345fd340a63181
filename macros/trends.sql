{#- Whether a rate changed from one period to the next; docs/decisions.md, "The interval of a trend". -#}

{#-
  How much a period's days vary, as an aggregate: Pearson's sum, (successes - rate * trials)^2 / (trials * rate * (1 -
  rate)), over the days with trials. Its expected value is the degrees of freedom if days are binomial. In one pass, as
  decimals, whose sum does not depend on the order.
-#}
{% macro day_variation(successes, trials) -%}
    {%- set x = 'cast(' ~ successes ~ ' as double)' -%}
    {%- set sum_of_x = 'cast(sum(case when ' ~ trials ~ ' > 0 then ' ~ successes ~ ' end) as double)' -%}
    {%- set sum_of_n = 'nullif(cast(sum(' ~ trials ~ ') as double), 0)' -%}
    coalesce((
        cast(sum(cast({{ x }} * {{ x }} / nullif(cast({{ trials }} as double), 0) as decimal(38, 15))) as double)
        - {{ sum_of_x }} * {{ sum_of_x }} / {{ sum_of_n }}
    ) / nullif({{ sum_of_x }} / {{ sum_of_n }} * (1 - {{ sum_of_x }} / {{ sum_of_n }}), 0), 0)
{%- endmacro %}


{#-
  Effective number of a period's days, as an aggregate: sum(trials)^2 / sum(trials^2), which is the number of days where
  all have the same size. Source: Kish (1965), "Survey Sampling", for weights. Null without trials.
-#}
{% macro effective_days(trials) -%}
    {%- set n = 'cast(' ~ trials ~ ' as double)' -%}
    cast(sum({{ trials }}) as double) * cast(sum({{ trials }}) as double)
    / nullif(cast(sum(cast({{ n }} * {{ n }} as decimal(38, 0))) as double), 0)
{%- endmacro %}


{#-
  Pairs of periods with the relative change of their rates, as a subquery: its 95% interval (trend_ci_low,
  trend_ci_high), is_enough_to_tell and is_beyond_noise. `pairs` names a relation with the columns is_comparable,
  successes, trials, prior_successes and prior_trials, and day_variation, effective_days and days (with trials), each of
  both periods together.

  Days vary more than binomial counts. The overdispersion is estimated from the days; the quantile is Student's t, since
  few days estimate it badly. Days of unequal size would estimate it too low, so they count by effective_days.
-#}
{% macro judged_trends(pairs) -%}
    (
        select
            *,
            rate_ratio * exp(-log_margin) - 1 as trend_ci_low,
            rate_ratio * exp(log_margin) - 1 as trend_ci_high,
            t_quantile is not null as is_enough_to_tell,
            coalesce(
                case
                    when log_margin is not null then abs(ln(rate_ratio)) > log_margin
                    else abs(z_statistic) > t_quantile
                end,
                false
            ) as is_beyond_noise
        from (
            select
                *,
                {{ rate('successes', 'trials') }} / nullif({{ rate('prior_successes', 'prior_trials') }}, 0) as rate_ratio,
                case
                    when successes > 0 and prior_successes > 0
                        then 2 * asinh(t_quantile / 2 * sqrt(overdispersion * greatest(
                            {{ rate('1', 'successes') }} - {{ rate('1', 'trials') }}
                            + {{ rate('1', 'prior_successes') }} - {{ rate('1', 'prior_trials') }},
                            0
                        )))
                end as log_margin,
                -- Without a success on one side there is no ratio, only a difference.
                (cast(successes as double) * prior_trials - cast(prior_successes as double) * trials) / nullif(sqrt(
                    cast(successes + prior_successes as double) * trials * prior_trials * overdispersion
                ), 0) as z_statistic
            from (
                select
                    *,
                    greatest({{ rate('day_variation', 'effective_days - 2') }}, 1) as overdispersion,
                    case
                        when
                            is_comparable
                            and successes <= trials
                            and prior_successes <= prior_trials
                            and successes + prior_successes >= {{ var('trend_minimum_successes') }}
                            then {{ student_t_quantile('(days - 2)') }}
                    end as t_quantile
                from {{ pairs }}
            ) as spread_pairs
        ) as measured_pairs
    )
{%- endmacro %}
