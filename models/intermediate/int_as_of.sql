with event_times as (

    select max(created_at) as happened_at from {{ ref('stg_campaigns') }}
    union all
    select max(created_at) as happened_at from {{ ref('stg_creative_assets') }}
    union all
    select max(last_at) as happened_at from {{ ref('int_days_of_performance_metrics') }}
    union all
    select max(decided_at) as happened_at from {{ ref('stg_orchestrator_decisions') }}
    union all
    -- A day's counts are known at its end.
    select {{ end_of_day('max(day)') }} as happened_at from {{ ref('int_days_of_funnel_events') }}
    union all
    select max(proposed_at) as happened_at from {{ ref('stg_budget_actions') }}
    union all
    select max(raised_at) as happened_at from {{ ref('stg_campaign_risk_signals') }}
    union all
    select max(hinted_at) as happened_at from {{ ref('stg_attribution_hints') }}

),

newest_record as (

    select max(happened_at) as newest_record_at from event_times

),

-- No record of its own: it follows from the latency, and is gone when the approval is withdrawn.
newest_approval as (

    select max({{ add_minutes('proposed_at', 'approval_latency_minutes') }}) as newest_approval_at
    from {{ ref('stg_budget_actions') }}
    where
        is_approved_by_human
        and status is distinct from 'rejected'

),

newest_event as (

    select
        newest_record.newest_record_at,
        greatest(newest_record.newest_record_at, newest_approval.newest_approval_at) as newest_event_at
    from newest_record
    cross join newest_approval

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
