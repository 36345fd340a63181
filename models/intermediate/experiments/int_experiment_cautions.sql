with experiments as (

    select * from {{ ref('int_experiments') }}

),

assets as (

    select * from {{ ref('dim_assets') }}

),

risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

risk_assets as (

    select * from {{ ref('int_risk_assets') }}

),

decisions as (

    select * from {{ ref('int_decisions') }}

),

subjects as (

    select * from {{ ref('int_decision_subjects') }}

),

arms as (

    select
        experiment_id,
        control_asset_id as asset_id
    from experiments

    union all

    select
        experiment_id,
        variant_asset_id as asset_id
    from experiments

),

flagged_messages as (

    select
        arms.experiment_id,
        1 as caution_order,
        assets.asset_id as record_id,
        assets.asset_id || ' is flagged: ' || assets.risk_flags as caution
    from arms
    inner join assets using (asset_id)
    where assets.has_risk_flags

),

-- Dismissed signals too: somebody saw the problem in the message that would be scaled.
brand_safety_signals as (

    select
        arms.experiment_id,
        2 as caution_order,
        risk_signals.risk_id as record_id,
        'brand safety signal ' || risk_signals.risk_id || ' ('
        || replace(risk_signals.status, '_', ' ') || ')' as caution
    from risk_signals
    left join risk_assets
        on risk_signals.risk_id = risk_assets.risk_id
    inner join arms
        on
            risk_signals.experiment_id = arms.experiment_id
            or risk_assets.asset_id = arms.asset_id
    where risk_signals.risk_type = 'brand_safety'
    group by arms.experiment_id, risk_signals.risk_id, risk_signals.status

),

decisions_meanwhile as (

    select
        experiments.experiment_id,
        3 as caution_order,
        decisions.decision_id as record_id,
        decisions.decision_id || ' named the variant while it ran' as caution
    from experiments
    inner join subjects
        on
            experiments.variant_asset_id = subjects.record_id
            and subjects.record_kind = 'asset'
    inner join decisions
        on
            subjects.decision_id = decisions.decision_id
            and experiments.start_date <= cast(decisions.decided_at as date)
            and coalesce(experiments.end_date, cast(decisions.decided_at as date)) >= cast(decisions.decided_at as date)

),

cautions as (

    select * from flagged_messages
    union all
    select * from brand_safety_signals
    union all
    select * from decisions_meanwhile

),

final as (

    select
        experiment_id,
        {{ string_list('caution', 'caution_order, record_id', '; ') }} as cautions
    from cautions
    group by experiment_id

)

select * from final
