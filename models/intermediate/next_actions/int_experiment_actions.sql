with experiments as (

    select * from {{ ref('experiment_results') }}

),

decisions as (

    select * from {{ ref('int_decisions') }}

),

subjects as (

    select * from {{ ref('int_decision_subjects') }}

),

daily_spend as (

    select * from {{ ref('int_daily_spend') }}
    where record_kind = 'experiment'

),

-- An unresolved signal that names the experiment comes first, except where the experiment is futile and can end.
experiments_to_decide as (

    select
        *,
        metric_label || ' up ' || coalesce({{ percent_text('relative_lift') }}, 'from none')
        || coalesce(
            ' (between ' || {{ percent_text('sequential_ci_low') }} || ' and '
            || {{ percent_text('sequential_ci_high') }} || ')',
            ' (at least ' || {{ percent_text('sequential_ci_low') }} || ')'
        )
        || case when is_interim then ', still running' else '' end as gain
    from experiments
    where
        (verdict in ('scale_variant', 'discuss') and not has_open_risk)
        or (verdict = 'stop_futile' and is_interim)

),

worded as (

    select
        *,
        case verdict
            when 'scale_variant' then 'scale_variant'
            when 'discuss' then 'discuss_variant'
            when 'stop_futile' then 'end_experiment'
        end as action_type,
        case
            when verdict = 'stop_futile' and sequential_ci_high < {{ var('minimum_lift_to_scale') }}
                then 'a lift of ' || {{ percent_text(var('minimum_lift_to_scale')) }} || ' is ruled out'
            when verdict = 'stop_futile' and days_needed is null
                then 'it has run longer than is worth it, and shows too little to judge'
            when verdict = 'stop_futile'
                then
                    'at this pace it takes ' || cast(days_needed as string) || ' more day'
                    || case when days_needed = 1 then '' else 's' end || ' to be sure, longer than is left'
            when guardrail_status = 'worse' then gain || ', but a guardrail got worse'
            when guardrail_status = 'inconclusive' then gain || ', but too little is known of its guardrails'
            when verdict = 'discuss'
                then gain || ', but what is seen is below ' || {{ percent_text(var('minimum_lift_to_scale')) }}
            else gain
        end as finding,
        case verdict
            when 'scale_variant' then 'scale ' || variant_asset_label
            when 'discuss' then 'decide whether to scale ' || variant_asset_label
            when 'stop_futile' then 'end ' || experiment_label
        end as what_to_do
    from experiments_to_decide

),

-- The first decision since the verdict whose action_taken names the experiment.
answers as (

    select
        worded.experiment_id,
        decisions.decision_id,
        decisions.decided_at,
        row_number() over (
            partition by worded.experiment_id
            order by decisions.decided_at, decisions.decision_id
        ) as answer_order
    from worded
    inner join subjects
        on
            worded.experiment_id = subjects.record_id
            and subjects.record_kind = 'experiment'
            and subjects.is_in_action_taken
    inner join decisions
        on
            subjects.decision_id = decisions.decision_id
            and worded.verdict_since <= cast(decisions.decided_at as date)

),

final as (

    select
        worded.action_type,
        worded.experiment_id as record_id,
        worded.campaign_id,
        worded.finding
        || case when worded.verdict <> 'stop_futile' then coalesce('; ' || worded.cautions, '') else '' end as reason,
        worded.what_to_do,
        daily_spend.spend_per_day,
        answers.decision_id as answered_by_decision_id,
        answers.decided_at as answered_at,
        cast(worded.verdict_since as timestamp) as waiting_since
    from worded
    left join daily_spend
        on worded.experiment_id = daily_spend.record_id
    left join answers
        on
            worded.experiment_id = answers.experiment_id
            and answers.answer_order = 1

)

select * from final
