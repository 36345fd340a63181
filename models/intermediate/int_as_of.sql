with event_times as (

    select max(created_at) as happened_at, true as is_recorded from {{ ref('stg_campaigns') }}
    union all
    select max(created_at) as happened_at, true as is_recorded from {{ ref('stg_creative_assets') }}
    union all
    select max(recorded_at) as happened_at, true as is_recorded from {{ ref('stg_performance_metrics') }}
    union all
    select max(decided_at) as happened_at, true as is_recorded from {{ ref('stg_orchestrator_decisions') }}
    union all
    -- A day's counts are known at its end.
    select {{ end_of_day('max(event_date)') }} as happened_at, true as is_recorded from {{ ref('stg_funnel_events') }}
    union all
    select max(proposed_at) as happened_at, true as is_recorded from {{ ref('stg_budget_actions') }}
    union all
    -- Not recorded by itself: it follows from the latency, and is gone when the approval is withdrawn.
    select
        max({{ add_minutes('proposed_at', 'approval_latency_minutes') }}) as happened_at,
        false as is_recorded
    from {{ ref('stg_budget_actions') }}
    where is_approved_by_human
    union all
    select max(raised_at) as happened_at, true as is_recorded from {{ ref('stg_campaign_risk_signals') }}
    union all
    select max(hinted_at) as happened_at, true as is_recorded from {{ ref('stg_attribution_hints') }}

),

newest_event as (

    select
        max(happened_at) as newest_event_at,
        max(case when is_recorded then happened_at end) as newest_record_at
    from event_times

),

final as (

    select
        coalesce({{ as_of_timestamp() }}, newest_event_at) as as_of,
        cast(coalesce({{ as_of_timestamp() }}, newest_event_at) as date) as as_of_date,
        newest_event_at,
        newest_record_at,
        coalesce({{ as_of_timestamp() }} >= newest_event_at, true) as covers_all_events
    from newest_event

)

select * from final
