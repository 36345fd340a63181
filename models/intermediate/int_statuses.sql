with campaigns as (

    select * from {{ ref('stg_campaigns') }}

),

experiments as (

    select * from {{ ref('stg_experiments') }}

),

budget_actions as (

    select * from {{ ref('stg_budget_actions') }}

),

risk_signals as (

    select * from {{ ref('stg_campaign_risk_signals') }}

),

-- Datasets and attributes are called what the export calls them.
final as (

    select
        'campaigns' as dataset,
        campaign_id as record_id,
        campaign_id,
        'status' as attribute,
        status as value
    from campaigns

    union all

    select
        'experiments' as dataset,
        experiment_id as record_id,
        campaign_id,
        'status' as attribute,
        status as value
    from experiments

    union all

    select
        'budget_actions' as dataset,
        budget_action_id as record_id,
        campaign_id,
        'status' as attribute,
        status as value
    from budget_actions

    union all

    select
        'budget_actions' as dataset,
        budget_action_id as record_id,
        campaign_id,
        'approved_by_human' as attribute,
        case when is_approved_by_human then 'true' else 'false' end as value
    from budget_actions

    union all

    select
        'campaign_risk_signals' as dataset,
        risk_id as record_id,
        campaign_id,
        'status' as attribute,
        status as value
    from risk_signals

)

select * from final
