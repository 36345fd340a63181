{%- set reasons = [
    'sample_ratio_mismatch',
    'unapproved_control',
    'unapproved_variant',
    'different_audience',
    'rows_outside_arms',
    'rows_outside_dates',
] -%}

with experiments as (

    select * from {{ ref('int_experiments') }}

),

days as (

    select * from {{ ref('int_experiment_days') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

paired_arms as (

    select
        days.*,
        experiments.control_asset_id,
        experiments.variant_asset_id,
        control_assets.is_approved_by_human as is_control_approved,
        variant_assets.is_approved_by_human as is_variant_approved,
        control_assets.segment_id = variant_assets.segment_id
        and control_assets.channel_id = variant_assets.channel_id as is_same_audience
    from days
    inner join experiments using (experiment_id)
    inner join assets as control_assets
        on experiments.control_asset_id = control_assets.asset_id
    inner join assets as variant_assets
        on experiments.variant_asset_id = variant_assets.asset_id

),

-- Pearson's chi-square with one degree of freedom against an even split is the square of this z.
split_statistics as (

    select
        *,
        cast(variant_trials - control_trials as double)
        / sqrt(cast(nullif(variant_trials + control_trials, 0) as double)) as split_z
    from paired_arms

),

tested_splits as (

    select
        *,
        {{ normal_two_sided_p_value('split_z') }} as srm_p_value
    from split_statistics

),

explained as (

    select
        *,
        case
            when srm_p_value < {{ var('srm_alpha') }}
                then
                    'sample ratio mismatch, ' || cast(control_trials as string) || ' against '
                    || cast(variant_trials as string) || ' trials'
        end as sample_ratio_mismatch,
        case
            when not is_control_approved then 'control ' || control_asset_id || ' is not approved by a person'
        end as unapproved_control,
        case
            when not is_variant_approved then 'variant ' || variant_asset_id || ' is not approved by a person'
        end as unapproved_variant,
        case when not is_same_audience then 'the arms differ in segment or channel' end as different_audience,
        case
            when foreign_row_count > 0
                then cast(foreign_row_count as string) || ' performance rows of other assets'
        end as rows_outside_arms,
        case
            when outside_date_count > 0
                then cast(outside_date_count as string) || ' performance rows outside the dates'
        end as rows_outside_dates
    from tested_splits

),

final as (

    select
        experiment_id,
        judged_on,
        control_successes,
        control_trials,
        variant_successes,
        variant_trials,
        srm_p_value,
        nullif({{ joined_reasons(reasons) }}, '') as unhealthy_reasons
    from explained

)

select * from final
