{%- set minimum_lift = var('minimum_lift_to_scale') -%}

with arms as (

    select * from {{ ref('int_experiment_health') }}

),

rates as (

    select
        *,
        {{ rate('control_successes', 'control_trials') }} as control_rate,
        {{ rate('variant_successes', 'variant_trials') }} as variant_rate,
        {{ rate('control_successes + variant_successes', 'control_trials + variant_trials') }} as pooled_rate,
        cast(control_trials as double) as control_n,
        cast(variant_trials as double) as variant_n,
        -- The rate that a variant worth scaling would have, where a rate can be that high.
        case
            when {{ rate('control_successes', 'control_trials') }} * (1 + {{ minimum_lift }}) <= 1
                then {{ rate('control_successes', 'control_trials') }} * (1 + {{ minimum_lift }})
        end as target_rate,
        {{ normal_quantile('(1 - ' ~ var('significance_level') ~ ' / cast(2 as double))') }} as critical_z,
        {{ normal_quantile(var('power_target')) }} as power_z
    from arms

),

variances as (

    select
        *,
        variant_rate - control_rate as absolute_lift,
        variant_rate / nullif(control_rate, 0) - 1 as relative_lift,
        pooled_rate * (1 - pooled_rate) * (1 / nullif(control_n, 0) + 1 / nullif(variant_n, 0)) as null_variance,
        control_rate * (1 - control_rate) / nullif(control_n, 0) as control_variance,
        variant_rate * (1 - variant_rate) / nullif(variant_n, 0) as variant_variance,
        (control_n * control_rate + variant_n * target_rate) / nullif(control_n + variant_n, 0) as planned_rate,
        target_rate - control_rate as planned_lift,
        target_rate * (1 - target_rate) / nullif(variant_n, 0)
        + control_rate * (1 - control_rate) / nullif(control_n, 0) as planned_variance
    from rates

),

statistics as (

    select
        *,
        absolute_lift / nullif(sqrt(greatest(null_variance, 0)), 0) as z_statistic,
        -- Late successes can make a rate exceed 1 for some days, and what is under a root negative.
        -- Delta method; without a success in either arm there is no variance to speak of.
        case
            when control_successes > 0 and variant_successes > 0
                then
                    variant_rate / control_rate * sqrt(greatest(
                        variant_variance / (variant_rate * variant_rate)
                        + control_variance / (control_rate * control_rate),
                        0
                    ))
        end as relative_lift_error,
        critical_z * sqrt(
            planned_rate * (1 - planned_rate) * (1 / nullif(control_n, 0) + 1 / nullif(variant_n, 0))
        ) as detection_limit,
        critical_z * sqrt((control_rate + target_rate) * (1 - (control_rate + target_rate) / 2))
        + power_z * sqrt(control_rate * (1 - control_rate) + target_rate * (1 - target_rate)) as sample_root
    from variances

),

power_statistics as (

    select
        *,
        (planned_lift - detection_limit) / nullif(sqrt(planned_variance), 0) as power_upper_z,
        (-planned_lift - detection_limit) / nullif(sqrt(planned_variance), 0) as power_lower_z,
        ceil(sample_root * sample_root / nullif(planned_lift * planned_lift, 0)) as trials_needed_per_arm
    from statistics

),

tested as (

    select
        *,
        -- Arms that are all success, or all failure, do not differ.
        case
            when null_variance = 0 then cast(1 as double)
            else {{ normal_two_sided_p_value('z_statistic') }}
        end as p_value,
        {{ normal_cdf('power_upper_z') }} + {{ normal_cdf('power_lower_z') }} as power,
        case when trials_needed_per_arm > control_n then trials_needed_per_arm - control_n else 0 end
        + case when trials_needed_per_arm > variant_n then trials_needed_per_arm - variant_n else 0 end
            as trials_lacking,
        -- Rounded, so that a lift by a tenth is 0.1 to policy; over nothing at all any lift is enough.
        coalesce(
            absolute_lift > 0 and (control_successes = 0 or round(relative_lift, 12) >= {{ minimum_lift }}), false
        ) as is_lift_worth_scaling
    from power_statistics

),

judged as (

    select
        *,
        case
            when unhealthy_reasons is not null then 'unhealthy'
            when coalesce(control_trials, 0) = 0 or coalesce(variant_trials, 0) = 0 then 'no_data'
            when
                control_trials < {{ var('experiment_minimum_sample') }}
                or variant_trials < {{ var('experiment_minimum_sample') }}
                then 'too_small'
            else 'ready'
        end as health,
        coalesce(p_value < {{ var('significance_level') }}, false) as is_significant
    from tested

),

final as (

    select
        experiment_id,
        judged_on,
        control_trials,
        control_successes,
        variant_trials,
        variant_successes,
        control_rate,
        variant_rate,
        absolute_lift,
        relative_lift,
        relative_lift - critical_z * relative_lift_error as lift_ci_low,
        relative_lift + critical_z * relative_lift_error as lift_ci_high,
        p_value,
        is_significant,
        srm_p_value,
        power,
        cast(case
            when power >= {{ var('power_target') }} then 0
            when power is not null then trials_lacking
        end as bigint) as trials_missing,
        health,
        unhealthy_reasons,
        case
            when health = 'unhealthy' then 'fix_experiment'
            when health in ('no_data', 'too_small') then 'continue'
            when is_significant and is_lift_worth_scaling then 'scale_variant'
            when is_significant and absolute_lift < 0 then 'keep_control'
            when not is_lift_worth_scaling and power >= {{ var('power_target') }} then 'stop'
            else 'continue'
        end as verdict
    from judged

)

select * from final
