{%- set level = var('significance_level') -%}
{%- set share_before_end = var('level_share_before_end') -%}

with statistics as (

    select * from {{ ref('int_experiment_statistics') }}

),

designs as (

    select * from {{ ref('int_experiment_designs') }}
    where has_declared_end

),

ends as (

    select * from {{ ref('int_experiment_ends') }}

),

up_to_end as (

    select
        statistics.*,
        ends.reached_on,
        row_number() over (
            partition by statistics.experiment_id, statistics.comparison
            order by statistics.judged_on desc
        ) as recency
    from statistics
    inner join ends
        on
            statistics.experiment_id = ends.experiment_id
            and statistics.judged_on <= ends.last_day

),

-- The test at the end uses the rows up to it, and is made once.
with_end as (

    select
        statistics.*,
        ln(1 + cast({{ var('minimum_lift_to_scale') }} as double)) as log_minimum_ratio,
        designs.experiment_id is not null as has_declared_end,
        up_to_end.experiment_id is not null as is_end_reached,
        case when up_to_end.is_ready then up_to_end.p_value end as end_p_value,
        case when up_to_end.is_ready then up_to_end.end_ratio_low end as end_low,
        case when up_to_end.is_ready then up_to_end.end_ratio_high end as end_high
    from statistics
    left join designs
        on statistics.experiment_id = designs.experiment_id
    left join up_to_end
        on
            statistics.experiment_id = up_to_end.experiment_id
            and statistics.comparison = up_to_end.comparison
            and statistics.judged_on >= up_to_end.reached_on
            and up_to_end.recency = 1

),

decided as (

    select
        *,
        case
            when not is_ready then null
            when not has_declared_end then sequential_p_value
            else least(
                sequential_p_value / {{ share_before_end }},
                coalesce(end_p_value, 1) / (1 - {{ share_before_end }}),
                1
            )
        end as decision_p_value,
        -- Lifts that neither test rejects; a missing bound is skipped.
        case when is_ready then greatest(sequential_ratio_low, end_low) end as ratio_low,
        case when is_ready then least(sequential_ratio_high, end_high) end as ratio_high,
        -- From simulations: how much more data than a single test the sequential test needs for the same power. The
        -- information on the ratio is R S / P, which is P for low rates; in units of P it adds up by day.
        case when has_declared_end then 1.07 else 1.72 end
        * (fixed_b + power_z) * (fixed_b + power_z)
        * coalesce(log_ratio_error * log_ratio_error * binomial_variance, inflation) as variance_needed_at_log_1,
        greatest(case when ratio > 0 then abs(ln(ratio)) end, log_minimum_ratio) as log_ratio_to_find,
        log_minimum_ratio / nullif(log_ratio_error, 0) as errors_to_minimum
    from with_end

),

judged as (

    select
        *,
        errors_to_minimum - fixed_b as power_upper_z,
        -errors_to_minimum - fixed_b as power_lower_z,
        -- Where the two tests reject all lifts there is no interval.
        coalesce(ratio_low > ratio_high, false) as is_contradicted,
        greatest(
            variance_needed_at_log_1 / (log_ratio_to_find * log_ratio_to_find) - binomial_variance, 0
        ) as variance_missing
    from decided

),

final as (

    select
        experiment_id,
        comparison,
        judged_on,
        paired_rows,
        control_trials,
        control_successes,
        variant_trials,
        variant_successes,
        control_rate,
        variant_rate,
        ratio,
        log_ratio_error,
        u,
        p_value,
        fixed_ratio_low,
        fixed_ratio_high,
        sequential_p_value,
        has_declared_end,
        is_end_reached,
        is_ready,
        decision_p_value,
        coalesce(decision_p_value < {{ level }}, false) as is_significant,
        case when not is_contradicted then ratio_low end as ratio_low,
        case when not is_contradicted then ratio_high end as ratio_high,
        case
            when decision_p_value < {{ level }} then 0
            -- A limit for the type; longer than anyone lives.
            when is_ready and variance_per_day > 0
                then cast(least(ceil(variance_missing / variance_per_day), 1000000) as bigint)
        end as days_needed,
        {{ normal_cdf('power_upper_z') }} + {{ normal_cdf('power_lower_z') }} as power,
        case
            -- Without cost there is no cost per conversion.
            when paired_rows = 0 and comparison = 'cost_per_conversion' then null
            when is_contradicted or ratio_low is null then 'inconclusive'
            when ratio_low >= 1 / (1 + cast({{ var('guardrail_margin') }} as double)) then 'ok'
            when ratio_high < 1 then 'worse'
            else 'inconclusive'
        end as guardrail_status
    from judged

)

select * from final
