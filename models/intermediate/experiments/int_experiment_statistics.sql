{%- set level = var('significance_level') -%}
{%- set quantiles = {
    'fixed_b': '(1 - ' ~ level ~ ' / cast(2 as double))',
    'end_b': '(1 - ' ~ level ~ ' * (1 - ' ~ var('level_share_before_end') ~ ') / cast(2 as double))',
    'power_z': var('power_target'),
} -%}

with sums as (

    select * from {{ ref('int_experiment_sums') }}

),

ratios as (

    select
        *,
        case when weighted_variant > 0 and weighted_control > 0 then weighted_variant / weighted_control end as ratio
    from sums

),

-- Days vary more than binomial counts. The overdispersion is estimated from the days, and widens all later figures.
inflated as (

    select
        *,
        greatest(
            coalesce(
                {{ variation_beyond_chance(
                    'paired_rows',
                    'binomial_variance',
                    'squared_differences',
                    'products',
                    'squared_control_terms',
                    '(ratio - 1)'
                ) }},
                1
            ),
            1
        ) as inflation,
        cast(sum(cast(variance_term as decimal(38, 18))) over last_week as double)
        / nullif(sum(days_covered_by_pair) over last_week, 0) as variance_per_day,
        cast({{ level }} as double)
        * case when has_declared_end then {{ var('level_share_before_end') }} else 1 end as sequential_level,
        {{ normal_quantile(quantiles.fixed_b) }} as fixed_b,
        {{ normal_quantile(quantiles.end_b) }} as end_b,
        {{ normal_quantile(quantiles.power_z) }} as power_z
    from ratios
    window last_week as (
        partition by experiment_id, comparison
        order by days_covered
        range between 6 preceding and current row
    )

),

tuned as (

    select
        *,
        binomial_variance * inflation as variance,
        (weighted_variant - weighted_control) / nullif(sqrt(binomial_variance * inflation), 0) as z_statistic,
        -2 * ln(sequential_level) + ln(1 - 2 * ln(sequential_level)) as tuning,
        ln(1 + cast({{ var('sequential_tuning_lift') }} as double)) / (fixed_b + power_z) as tuned_lift
    from inflated

),

-- u says how much is known, on the scale of the boundary. A planned sample tunes the metric that it was planned for;
-- else no estimated rate enters.
information as (

    select
        *,
        tuning * case
            when comparison = 'metric' and planned_sample is not null
                then (variant_trials + control_trials) / planned_sample
            when is_per_cost
                then tuned_lift * tuned_lift * weighted_variant * weighted_control / nullif(binomial_variance, 0)
            else tuned_lift * tuned_lift * binomial_variance
        end as u
    from tuned

),

tested as (

    select
        *,
        -- Arms with only successes, or only failures, do not differ.
        case
            when binomial_variance = 0 then cast(1 as double)
            else {{ normal_two_sided_p_value('z_statistic') }}
        end as p_value,
        case
            when binomial_variance = 0 then cast(1 as double)
            else {{ sequential_p_value('z_statistic', 'u') }}
        end as sequential_p_value,
        case when u > 0 then sqrt((1 + u) / u * (ln(1 + u) - 2 * ln(sequential_level))) end as sequential_b
    from information

),

final as (

    select
        experiment_id,
        comparison,
        judged_on,
        cast(paired_rows as bigint) as paired_rows,
        days_covered,
        control_trials,
        control_successes,
        variant_trials,
        variant_successes,
        weighted_control / weight as control_rate,
        weighted_variant / weight as variant_rate,
        weighted_variant / nullif(weighted_control, 0) as ratio,
        sqrt(variance / nullif(weighted_variant * weighted_control, 0)) as log_ratio_error,
        binomial_variance,
        inflation,
        variance_per_day,
        power_z,
        fixed_b,
        u,
        p_value,
        sequential_p_value,
        {%- for kind in ['fixed', 'end', 'sequential'] %}
        {{ ratio_bound('low', kind ~ '_b') }} as {{ kind }}_ratio_low,
        {{ ratio_bound('high', kind ~ '_b') }} as {{ kind }}_ratio_high,
        {%- endfor %}
        coalesce(
            paired_rows >= {{ var('experiment_minimum_rows') }}
            and days_covered >= {{ var('experiment_minimum_days') }}
            and least(expected_variant_successes, expected_control_successes)
            >= {{ var('experiment_minimum_successes') }},
            false
        ) as is_ready
    from tested

)

select * from final
