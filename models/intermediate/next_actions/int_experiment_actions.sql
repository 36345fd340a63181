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

winners as (

    select * from experiments
    where
        verdict = 'scale_variant'
        and not has_open_risk

),

-- Whoever says what was done with the experiment, since its verdict: the first of it.
answers as (

    select
        winners.experiment_id,
        decisions.decision_id,
        decisions.decided_at,
        row_number() over (
            partition by winners.experiment_id
            order by decisions.decided_at, decisions.decision_id
        ) as answer_order
    from winners
    inner join subjects
        on
            winners.experiment_id = subjects.record_id
            and subjects.record_kind = 'experiment'
            and subjects.is_in_action_taken
    inner join decisions
        on
            subjects.decision_id = decisions.decision_id
            and winners.verdict_since <= cast(decisions.decided_at as date)

),

final as (

    select
        'scale_variant' as action_type,
        winners.experiment_id as record_id,
        winners.campaign_id,
        winners.metric_label || ' up ' || coalesce({{ percent_text('winners.relative_lift') }}, 'from none')
        || case
            when winners.p_value < 0.000001 then ', p below 0.000001'
            else ', p ' || {{ number_text('winners.p_value') }}
        end
        || case when winners.is_interim then ', still running' else '' end as reason,
        'scale ' || winners.variant_asset_label as what_to_do,
        daily_spend.spend_per_day,
        answers.decision_id as answered_by_decision_id,
        answers.decided_at as answered_at,
        cast(winners.verdict_since as timestamp) as waiting_since
    from winners
    left join daily_spend
        on winners.experiment_id = daily_spend.record_id
    left join answers
        on
            winners.experiment_id = answers.experiment_id
            and answers.answer_order = 1

)

select * from final
