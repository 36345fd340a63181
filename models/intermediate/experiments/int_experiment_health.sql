{%- set reasons = [
    'sample_ratio_mismatch',
    'unapproved_control',
    'unapproved_variant',
    'different_audience',
    'rows_outside_arms',
    'rows_outside_dates',
    'successes_without_trials',
] -%}

with experiments as (

    select * from {{ ref('int_experiments') }}

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

split_tests as (

    select * from {{ ref('int_split_tests') }}

),

late_successes as (

    select
        experiment_id,
        max(successes_left_over) as successes_left_over
    from comparison_days
    group by experiment_id

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
        split_tests.srm_p_value,
        coalesce(split_tests.is_mismatch, false) as has_sample_ratio_mismatch,
        case
            when split_tests.is_mismatch
                then
                    'sample ratio mismatch'
                    || case when split_tests.is_mismatch_in_total then '' else ' on single days' end
                    || ', ' || cast(cast(split_tests.control_trials_so_far as bigint) as string)
                    || ' against ' || cast(cast(split_tests.variant_trials_so_far as bigint) as string) || ' trials'
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
    left join split_tests
        on
            days_so_far.experiment_id = split_tests.experiment_id
            and days_so_far.judged_on is not distinct from split_tests.judged_on
    left join late_successes
        on days_so_far.experiment_id = late_successes.experiment_id

),

final as (

    select
        experiment_id,
        judged_on,
        srm_p_value,
        has_sample_ratio_mismatch,
        nullif({{ joined_reasons(reasons) }}, '') as unhealthy_reasons
    from explained

)

select * from final
