{%- set minimum_lift = var('minimum_lift_to_scale') -%}

with comparisons as (

    select * from {{ ref('int_experiment_comparisons') }}

),

health as (

    select * from {{ ref('int_experiment_health') }}

),

experiments as (

    select * from {{ ref('int_experiments') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- The latest day is judged at the as-of, an earlier one as on that day.
looks as (

    select
        comparisons.*,
        case
            when lead(comparisons.judged_on) over (
                partition by comparisons.experiment_id order by comparisons.judged_on
            ) is null then as_of.as_of_date
            else comparisons.judged_on
        end as looked_on
    from comparisons
    cross join as_of
    where comparisons.comparison = 'metric'

),

-- The worst of the guardrails that apply.
guardrails as (

    select
        experiment_id,
        judged_on,
        max(case guardrail_status when 'worse' then 2 when 'inconclusive' then 1 else 0 end) as worst
    from comparisons
    where comparison <> 'metric'
    group by experiment_id, judged_on

),

compared as (

    select
        looks.*,
        health.srm_p_value,
        health.unhealthy_reasons,
        case
            when guardrails.worst = 2 then 'worse'
            when guardrails.worst = 1 or looks.paired_rows = 0 then 'inconclusive'
            else 'ok'
        end as worst_guardrail_status,
        case
            when health.unhealthy_reasons is not null then 'unhealthy'
            when looks.paired_rows = 0 then 'no_data'
            when not looks.is_ready then 'too_small'
            else 'ready'
        end as health,
        coalesce(looks.is_significant and looks.ratio_low > 1, false) as has_won,
        coalesce(looks.is_significant and looks.ratio_high < 1, false) as has_lost,
        -- Rounded, so that a lift of a tenth equals 0.1 in policy. Over a control without success, any lift is enough.
        coalesce(round(looks.ratio - 1, 12) >= {{ minimum_lift }}, true) as is_lift_worth_scaling,
        campaigns.has_ended as has_campaign_ended,
        experiments.status in ('planned', 'running') and not looks.is_end_reached as is_open,
        least(
            {{ days_between('looks.looked_on', 'campaigns.end_date') }},
            {{ var('experiment_maximum_days') }} - 1 - {{ days_between('experiments.start_date', 'looks.looked_on') }}
        ) as days_left
    from looks
    inner join health
        on
            looks.experiment_id = health.experiment_id
            and looks.judged_on is not distinct from health.judged_on
    inner join experiments
        on looks.experiment_id = experiments.experiment_id
    inner join campaigns
        on experiments.campaign_id = campaigns.campaign_id
    left join guardrails
        on
            looks.experiment_id = guardrails.experiment_id
            and looks.judged_on is not distinct from guardrails.judged_on

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
        ratio,
        log_ratio_error,
        u,
        p_value,
        fixed_ratio_low,
        fixed_ratio_high,
        sequential_p_value,
        ratio_low,
        ratio_high,
        case when has_declared_end then 'declared_end' else 'sequential' end as decision_basis,
        decision_p_value,
        is_significant,
        srm_p_value,
        worst_guardrail_status as guardrail_status,
        power,
        days_needed,
        health,
        unhealthy_reasons,
        case
            when health = 'unhealthy' then 'fix_experiment'
            when has_won and worst_guardrail_status = 'ok' and is_lift_worth_scaling then 'scale_variant'
            when has_won then 'discuss'
            when has_lost then 'keep_control'
            when has_campaign_ended then 'stopped'
            when ratio_high < 1 + {{ minimum_lift }} or (is_open and (days_needed > days_left or days_left < 0))
                then 'stop_futile'
            when is_open then 'continue'
            else 'not_enough'
        end as verdict
    from compared

)

select * from final
