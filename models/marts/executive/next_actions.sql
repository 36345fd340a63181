with risks as (

    select * from {{ ref('risk_inbox') }}

),

violations as (

    select * from {{ ref('contract_violations') }}

),

actions as (

    select * from {{ ref('budget_action_audit') }}

),

experiments as (

    select * from {{ ref('experiment_results') }}

),

rollups as (

    select * from {{ ref('segment_rollups') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

variant_spend as (

    select
        experiment_id,
        sum(cost) as spend
    from {{ ref('int_performance') }}
    where experiment_id is not null
    group by experiment_id

),

urgent_risks as (

    select *
    from risks
    where
        severity = 'critical'
        or review_state = 'overdue'

),

proposals as (

    select
        1 as type_order,
        priority_rank as rank_within_type,
        'handle_risk' as action_type,
        risk_id as record_id,
        campaign_id,
        why as reason,
        what_to_do,
        exposure_spend as amount_at_stake,
        '{{ var("reporting_currency") }}' as currency
    from urgent_risks

    union all

    select
        2 as type_order,
        cast(null as integer) as rank_within_type,
        'resolve_breach' as action_type,
        violations.record_key as record_id,
        violations.campaign_id,
        'contract rule ' || cast(violations.rule as string) || ': ' || violations.what_is_wrong as reason,
        'correct it at the source, or waive it' as what_to_do,
        coalesce(actions.amount, risks.exposure_spend) as amount_at_stake,
        coalesce(actions.currency, '{{ var("reporting_currency") }}') as currency
    from violations
    left join actions
        on
            violations.rule = 4
            and violations.record_key = actions.budget_action_id
    left join risks
        on
            violations.rule = 5
            and violations.record_key = risks.risk_id
    -- A risk that is handled first is not a breach to resolve as well.
    left join urgent_risks
        on
            violations.rule = 5
            and violations.record_key = urgent_risks.risk_id
    where
        not violations.is_waived
        and urgent_risks.risk_id is null

    union all

    select
        3 as type_order,
        cast(null as integer) as rank_within_type,
        'decide_budget_action' as action_type,
        budget_action_id as record_id,
        campaign_id,
        replace(reason_code, '_', ' ') || ': ' || reason_detail as reason,
        'approve or reject ' || currency || ' ' || {{ money_text('amount') }} || ' from '
        || from_channel_label || ' to ' || to_channel_label as what_to_do,
        amount as amount_at_stake,
        currency
    from actions
    where approval_state = 'pending'

    union all

    select
        4 as type_order,
        cast(null as integer) as rank_within_type,
        'scale_variant' as action_type,
        experiments.experiment_id as record_id,
        experiments.campaign_id,
        experiments.metric_label || ' up ' || coalesce({{ percent_text('experiments.relative_lift') }}, 'from none')
        || case
            when experiments.p_value < 0.000001 then ', p below 0.000001'
            else ', p ' || {{ number_text('experiments.p_value') }}
        end
        || case when experiments.is_interim then ', still running' else '' end as reason,
        'scale ' || experiments.variant_asset_label as what_to_do,
        cast(variant_spend.spend as decimal(18, 2)) as amount_at_stake,
        '{{ var("reporting_currency") }}' as currency
    from experiments
    left join variant_spend using (experiment_id)
    where
        experiments.verdict = 'scale_variant'
        and not experiments.has_open_risk

    union all

    select
        5 as type_order,
        cast(null as integer) as rank_within_type,
        'stop_segment' as action_type,
        campaign_id || ' | ' || segment_id as record_id,
        campaign_id,
        cast(conversions as string) || ' conversions from ' || cast(impressions as string)
        || ' impressions in the window that ends ' || cast(window_end as string)
        || case when is_partial then ', so far' else '' end
        || coalesce(', trend ' || {{ percent_text('trend_vs_prior_window') }}, '') as reason,
        'stop ' || segment_name as what_to_do,
        spend as amount_at_stake,
        '{{ var("reporting_currency") }}' as currency
    from rollups
    where
        is_newest
        and recommendation = 'stop'

),

final as (

    select
        cast(row_number() over (
            order by
                proposals.type_order asc,
                proposals.rank_within_type asc nulls last,
                proposals.amount_at_stake desc nulls last,
                proposals.record_id asc
        ) as integer) as action_rank,
        proposals.action_type,
        proposals.record_id,
        proposals.campaign_id,
        campaigns.campaign_name,
        proposals.reason,
        proposals.what_to_do,
        cast(proposals.amount_at_stake as decimal(18, 2)) as amount_at_stake,
        case when proposals.amount_at_stake is not null then proposals.currency end as currency
    from proposals
    left join campaigns using (campaign_id)

)

select * from final
