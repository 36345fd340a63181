{#- Sums over the paired days up to each day. -#}
{%- set sums = {
    'weighted_variant': 'variant_term',
    'weighted_control': 'control_term',
    'binomial_variance': 'variance_term',
    'weight': 'variant_trials * control_trials / trials',
    'expected_variant_successes': 'expected_variant_successes',
    'expected_control_successes': 'expected_control_successes',
    'control_trials': 'control_trials',
    'control_successes': 'control_successes',
    'variant_trials': 'variant_trials',
    'variant_successes': 'variant_successes',
} -%}
{%- set squares = {
    'squared_differences': '(variant_term - control_term) * (variant_term - control_term)',
    'squared_control_terms': 'control_term * control_term',
    'products': '(variant_term - control_term) * control_term',
} -%}
{%- set level = var('significance_level') -%}
{%- set quantiles = {
    'fixed_b': '(1 - ' ~ level ~ ' / cast(2 as double))',
    'end_b': '(1 - ' ~ level ~ ' * (1 - ' ~ var('level_share_before_end') ~ ') / cast(2 as double))',
    'power_z': var('power_target'),
} -%}

with days as (

    select * from {{ ref('int_experiment_comparison_days') }}

),

designs as (

    select * from {{ ref('int_experiment_designs') }}

),

paired_days as (

    select
        days.*,
        designs.has_declared_end,
        designs.planned_sample,
        case when days.is_paired then days.variant_trials + days.control_trials end as trials,
        case when days.is_paired then days.days_covered else 0 end as days_covered_by_pair
    from days
    inner join designs using (experiment_id)

),

-- Within a day both arms meet the same people (Mantel-Haenszel). A day with one arm says nothing of the other: its
-- terms are null.
terms as (

    select
        *,
        variant_successes * control_trials / trials as variant_term,
        control_successes * variant_trials / trials as control_term,
        -- Money fails nowhere.
        (
            variant_successes * variant_trials * case
                when is_per_cost then control_trials
                else control_trials - control_successes
            end
            + control_successes * control_trials * case
                when is_per_cost then variant_trials
                else variant_trials - variant_successes
            end
        ) / (trials * trials) as variance_term,
        -- What would be expected if the arms were alike; money is spent, not drawn.
        case
            when is_per_cost then variant_successes
            else (variant_successes + control_successes) * variant_trials / trials
        end as expected_variant_successes,
        case
            when is_per_cost then control_successes
            else (variant_successes + control_successes) * control_trials / trials
        end as expected_control_successes
    from paired_days

),

sums_so_far as (

    select
        experiment_id,
        comparison,
        judged_on,
        is_per_cost,
        has_declared_end,
        planned_sample,
        variance_term,
        days_covered_by_pair,
        -- Decimals add up the same in any order; squares need room before the point.
        {%- for name, term in sums.items() %}
        cast(
            sum(case when is_paired then cast({{ term }} as decimal(38, 18)) end) over so_far as double
        ) as {{ name }},
        {%- endfor %}
        {%- for name, term in squares.items() %}
        cast(
            sum(case when is_paired then cast({{ term }} as decimal(38, 12)) end) over so_far as double
        ) as {{ name }},
        {%- endfor %}
        cast(sum(case when is_paired then 1 else 0 end) over so_far as double) as paired_rows,
        cast(sum(days_covered_by_pair) over so_far as bigint) as days_covered
    from terms
    window so_far as (partition by experiment_id, comparison order by judged_on)

),

ratios as (

    select
        *,
        case when weighted_variant > 0 and weighted_control > 0 then weighted_variant / weighted_control end as ratio
    from sums_so_far

),

-- Days vary more than coins do. How much so is seen in the days, and widens all that follows.
inflated as (

    select
        *,
        greatest(
            coalesce(
                paired_rows / nullif(paired_rows - 1, 0)
                * (
                    squared_differences
                    - 2 * (ratio - 1) * products
                    + (ratio - 1) * (ratio - 1) * squared_control_terms
                ) / (ratio * nullif(binomial_variance, 0)),
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
        -- Arms that are all success, or all failure, do not differ.
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
