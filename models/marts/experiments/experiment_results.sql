with experiments as (

    select * from {{ ref('dim_experiments') }}

),

verdicts as (

    select * from {{ ref('int_experiment_verdicts') }}

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

compared_with_day_before as (

    select
        *,
        lag(verdict) over (partition by experiment_id order by judged_on) as previous_verdict,
        row_number() over (partition by experiment_id order by judged_on desc) as recency
    from verdicts

),

-- Since its last change a verdict is the same.
verdict_changes as (

    select
        experiment_id,
        max(judged_on) as verdict_since
    from compared_with_day_before
    where verdict is distinct from previous_verdict
    group by experiment_id

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
        judged.control_trials,
        judged.control_successes,
        judged.variant_trials,
        judged.variant_successes,
        judged.control_rate,
        judged.variant_rate,
        judged.absolute_lift,
        judged.relative_lift,
        judged.lift_ci_low,
        judged.lift_ci_high,
        judged.p_value,
        judged.is_significant,
        judged.srm_p_value,
        judged.power,
        judged.trials_missing,
        experiments.status = 'running' as is_interim,
        experiments_at_risk.experiment_id is not null as has_open_risk,
        judged.health,
        judged.unhealthy_reasons,
        judged.verdict,
        -- What comes in after the end changes sums, and not when it was over.
        case
            when experiments.end_date < verdict_changes.verdict_since then experiments.end_date
            else verdict_changes.verdict_since
        end as verdict_since
    from experiments
    inner join compared_with_day_before as judged
        on
            experiments.experiment_id = judged.experiment_id
            and judged.recency = 1
    inner join verdict_changes
        on experiments.experiment_id = verdict_changes.experiment_id
    left join experiments_at_risk
        on experiments.experiment_id = experiments_at_risk.experiment_id

)

select * from final
