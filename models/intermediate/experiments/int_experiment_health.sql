{%- set reasons = [
    'sample_ratio_mismatch',
    'unapproved_control',
    'unapproved_variant',
    'different_audience',
    'rows_outside_arms',
    'rows_outside_dates',
    'successes_without_trials',
] -%}
{%- set share = 'planned_variant_share' -%}

with experiments as (

    select * from {{ ref('int_experiments') }}

),

designs as (

    select * from {{ ref('int_experiment_designs') }}

),

days as (

    select * from {{ ref('int_experiment_days') }}

),

comparison_days as (

    select * from {{ ref('int_experiment_comparison_days') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

late_successes as (

    select
        experiment_id,
        max(successes_left_over) as successes_left_over
    from comparison_days
    group by experiment_id

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
    where comparison_days.comparison = 'metric'

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

days_so_far as (

    select
        experiment_id,
        judged_on,
        sum(outside_date_count) over so_far as outside_date_count,
        sum(foreign_row_count) over so_far as foreign_row_count
    from days
    window so_far as (partition by experiment_id order by judged_on)

),

explained as (

    select
        days_so_far.experiment_id,
        days_so_far.judged_on,
        tested_splits.srm_p_value,
        case
            when tested_splits.srm_p_value < {{ var('srm_alpha') }}
                then
                    'sample ratio mismatch'
                    || case when tested_splits.total_p_value < {{ var('srm_alpha') }} then '' else ' on single days' end
                    || ', ' || cast(cast(tested_splits.control_trials_so_far as bigint) as string)
                    || ' against ' || cast(cast(tested_splits.variant_trials_so_far as bigint) as string) || ' trials'
        end as sample_ratio_mismatch,
        case
            when not control_assets.is_approved_by_human
                then 'control ' || experiments.control_asset_id || ' is not approved by a person'
        end as unapproved_control,
        case
            when not variant_assets.is_approved_by_human
                then 'variant ' || experiments.variant_asset_id || ' is not approved by a person'
        end as unapproved_variant,
        case
            when
                control_assets.segment_id <> variant_assets.segment_id
                or control_assets.channel_id <> variant_assets.channel_id
                then 'the arms differ in segment or channel'
        end as different_audience,
        case
            when days_so_far.foreign_row_count > 0
                then cast(days_so_far.foreign_row_count as string) || ' performance rows of other assets'
        end as rows_outside_arms,
        case
            when days_so_far.outside_date_count > 0
                then cast(days_so_far.outside_date_count as string) || ' performance rows outside the dates'
        end as rows_outside_dates,
        case
            when late_successes.successes_left_over > 0
                then cast(late_successes.successes_left_over as string) || ' more successes than trials'
        end as successes_without_trials
    from days_so_far
    inner join experiments using (experiment_id)
    inner join assets as control_assets
        on experiments.control_asset_id = control_assets.asset_id
    inner join assets as variant_assets
        on experiments.variant_asset_id = variant_assets.asset_id
    left join tested_splits
        on
            days_so_far.experiment_id = tested_splits.experiment_id
            and days_so_far.judged_on is not distinct from tested_splits.judged_on
    left join late_successes
        on days_so_far.experiment_id = late_successes.experiment_id

),

final as (

    select
        experiment_id,
        judged_on,
        srm_p_value,
        nullif({{ joined_reasons(reasons) }}, '') as unhealthy_reasons
    from explained

)

select * from final
