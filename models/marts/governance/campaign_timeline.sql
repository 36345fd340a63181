with as_of as (

    select * from {{ ref('int_as_of') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

experiments as (

    select * from {{ ref('dim_experiments') }}
    where experiment_id is not null

),

performance as (

    select * from {{ ref('int_performance') }}

),

risk_signals as (

    select * from {{ ref('risk_escalation') }}

),

decisions as (

    select * from {{ ref('int_decisions') }}

),

actions as (

    select * from {{ ref('budget_action_audit') }}

),

-- At the same time, an event that others depend on comes first.
events as (

    select
        campaign_id,
        created_at as occurred_at,
        1 as type_order,
        'campaign_created' as event_type,
        campaign_id as record_id,
        campaign_name || ', budget ' || currency || ' ' || {{ money_text('budget') }} as event_description
    from campaigns

    union all

    select
        campaign_id,
        cast(start_date as timestamp) as occurred_at,
        2 as type_order,
        'experiment_started' as event_type,
        experiment_id as record_id,
        experiment_label as event_description
    from experiments

    union all

    select
        campaign_id,
        recorded_at as occurred_at,
        3 as type_order,
        'performance_recorded' as event_type,
        asset_id || coalesce(' in ' || experiment_id, '') as record_id,
        cast(impressions as string) || ' impressions, ' || cast(clicks as string) || ' clicks, '
        || cast(conversions as string) || ' conversions, cost ' || {{ money_text('cost') }} as event_description
    from performance

    union all

    select
        campaign_id,
        raised_at as occurred_at,
        4 as type_order,
        'risk_raised' as event_type,
        risk_id as record_id,
        severity || ' ' || replace(risk_type, '_', ' ') || ', recommends '
        || replace(recommended_action, '_', ' ') as event_description
    from risk_signals

    union all

    select
        campaign_id,
        decided_at as occurred_at,
        5 as type_order,
        'decision_taken' as event_type,
        decision_id as record_id,
        decision_trigger || ': ' || action_taken
        || case when is_human_override then ' (by a person)' else '' end as event_description
    from decisions

    union all

    select
        campaign_id,
        proposed_at as occurred_at,
        6 as type_order,
        'budget_action_proposed' as event_type,
        budget_action_id as record_id,
        currency || ' ' || {{ money_text('amount') }} || ' from ' || from_channel_label || ' to '
        || to_channel_label || ', ' || replace(reason_code, '_', ' ') as event_description
    from actions

    union all

    select
        campaign_id,
        approved_at as occurred_at,
        7 as type_order,
        'budget_action_approved' as event_type,
        budget_action_id as record_id,
        'by ' || coalesce(approver_id, 'a person') as event_description
    from actions
    where approved_at is not null

    union all

    -- An experiment's last day is included.
    select
        campaign_id,
        {{ end_of_day('end_date') }} as occurred_at,
        8 as type_order,
        'experiment_ended' as event_type,
        experiment_id as record_id,
        experiment_label as event_description
    from experiments
    where end_date is not null

),

final as (

    select
        events.campaign_id,
        cast(row_number() over (
            partition by events.campaign_id
            order by events.occurred_at, events.type_order, events.record_id
        ) as integer) as event_order,
        campaigns.campaign_name,
        events.occurred_at,
        events.event_type,
        events.record_id,
        events.event_description
    from events
    cross join as_of
    inner join campaigns using (campaign_id)
    where events.occurred_at <= as_of.as_of

)

select * from final
