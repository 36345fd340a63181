with experiments as (

    select * from {{ ref('dim_experiments') }}
    where experiment_id is not null

),

verdicts as (

    select
        *,
        u / (1 + u) as shrinkage
    from {{ ref('int_experiment_newest_verdicts') }}

),

cautions as (

    select * from {{ ref('int_experiment_cautions') }}

),

risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

experiments_at_risk as (

    select experiment_id
    from risk_signals
    where
        is_unresolved
        and experiment_id is not null
    group by experiment_id

),

-- The boundary's prior shrinks a lift towards 0, the more the less data there is.
beliefs as (

    select
        *,
        shrinkage * ln(case when ratio > 0 then ratio end) as believed_log_ratio,
        log_ratio_error * sqrt(shrinkage) as believed_error
    from verdicts

),

standardised_beliefs as (

    select
        *,
        -believed_log_ratio / nullif(believed_error, 0) as loss_z,
        -believed_log_ratio / nullif(believed_error, 0) - believed_error as weighted_loss_z
    from beliefs

),

final as (

    select
        experiments.experiment_id,
        experiments.campaign_id,
        experiments.control_asset_id,
        experiments.variant_asset_id,
        experiments.campaign_name,
        experiments.experiment_label,
        experiments.variant_asset_label,
        experiments.metric,
        experiments.metric_label,
        experiments.status,
        experiments.start_date,
        experiments.end_date,
        cast(judged.control_trials as bigint) as control_trials,
        cast(judged.control_successes as bigint) as control_successes,
        cast(judged.variant_trials as bigint) as variant_trials,
        cast(judged.variant_successes as bigint) as variant_successes,
        judged.control_rate,
        judged.variant_rate,
        judged.variant_rate - judged.control_rate as absolute_lift,
        judged.ratio - 1 as relative_lift,
        judged.fixed_ratio_low - 1 as lift_ci_low,
        judged.fixed_ratio_high - 1 as lift_ci_high,
        judged.p_value,
        judged.sequential_p_value,
        judged.ratio_low - 1 as sequential_ci_low,
        judged.ratio_high - 1 as sequential_ci_high,
        judged.decision_basis,
        judged.decision_p_value,
        judged.is_significant,
        judged.q_value,
        {{ normal_cdf('-judged.loss_z') }} as chance_to_beat_control,
        judged.control_rate * (
            {{ normal_cdf('judged.loss_z') }}
            - exp(judged.believed_log_ratio + judged.believed_error * judged.believed_error / 2)
            * {{ normal_cdf('judged.weighted_loss_z') }}
        ) as expected_loss,
        judged.variant_successes * (1 - 1 / nullif(judged.ratio, 0)) as incremental_successes,
        judged.variant_successes * (1 - 1 / nullif(judged.ratio_low, 0)) as incremental_ci_low,
        case
            when judged.ratio_low is not null
                then judged.variant_successes * (1 - coalesce(1 / nullif(judged.ratio_high, 0), 0))
        end as incremental_ci_high,
        judged.srm_p_value,
        judged.power,
        judged.days_needed,
        judged.guardrail_status,
        experiments.status = 'running' as is_interim,
        experiments_at_risk.experiment_id is not null as has_open_risk,
        cautions.cautions,
        judged.health,
        judged.unhealthy_reasons,
        judged.verdict,
        -- Late data changes sums, but not the end.
        case
            when experiments.end_date < judged.verdict_since then experiments.end_date
            else judged.verdict_since
        end as verdict_since
    from experiments
    inner join standardised_beliefs as judged
        on experiments.experiment_id = judged.experiment_id
    left join cautions
        on experiments.experiment_id = cautions.experiment_id
    left join experiments_at_risk
        on experiments.experiment_id = experiments_at_risk.experiment_id

)

select * from final
