{%- set share = 'planned_variant_share' -%}

with designs as (

    select * from {{ ref('int_experiment_designs') }}

),

comparison_days as (

    select * from {{ ref('int_experiment_comparison_days') }}
    where comparison = 'metric'

),

splits as (

    select
        comparison_days.experiment_id,
        comparison_days.judged_on,
        designs.planned_variant_share,
        case when comparison_days.is_paired then comparison_days.control_trials end as control_trials,
        case when comparison_days.is_paired then comparison_days.variant_trials end as variant_trials
    from comparison_days
    inner join designs using (experiment_id)

),

splits_so_far as (

    select
        *,
        sum(control_trials) over so_far as control_trials_so_far,
        sum(variant_trials) over so_far as variant_trials_so_far,
        count(variant_trials) over so_far as paired_rows
    from splits
    window so_far as (partition by experiment_id order by judged_on)

),

-- The total detects a split that is slightly off for long; single days detect one that is far off and corrected or
-- offset later. The bound of a day is Chernoff's, which does not need large numbers.
split_statistics as (

    select
        *,
        variant_trials_so_far - {{ share }} * (variant_trials_so_far + control_trials_so_far) as deviation,
        {{ share }} * (1 - {{ share }}) * (variant_trials_so_far + control_trials_so_far) as binomial_variance,
        case
            when variant_trials is not null
                then paired_rows * (paired_rows + 1) * least(
                    2 * exp(
                        -variant_trials * ln(variant_trials / ((variant_trials + control_trials) * {{ share }}))
                        - control_trials * ln(control_trials / ((variant_trials + control_trials) * (1 - {{ share }})))
                    ),
                    1
                )
        end as day_p_value
    from splits_so_far

),

-- Tuned to a deviation per trial of a twentieth of its standard deviation.
split_z as (

    select
        *,
        deviation / nullif(sqrt(binomial_variance), 0) as z,
        0.0025 * binomial_variance as u,
        min(day_p_value) over (partition by experiment_id order by judged_on) as days_p_value
    from split_statistics

),

tested_splits as (

    select
        experiment_id,
        judged_on,
        control_trials_so_far,
        variant_trials_so_far,
        {{ sequential_p_value('z', 'u') }} / 0.9 as total_p_value,
        case
            when days_p_value is not null
                then least({{ sequential_p_value('z', 'u') }} / 0.9, days_p_value / 0.1, 1)
        end as srm_p_value
    from split_z

),

final as (

    select
        experiment_id,
        judged_on,
        control_trials_so_far,
        variant_trials_so_far,
        srm_p_value,
        coalesce(srm_p_value < {{ var('srm_alpha') }}, false) as is_mismatch,
        coalesce(total_p_value < {{ var('srm_alpha') }}, false) as is_mismatch_in_total
    from tested_splits

)

select * from final
