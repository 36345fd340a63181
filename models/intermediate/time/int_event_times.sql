{{ config(materialized='view') }}

{#- Dataset, its id, the columns that say when something happened, and what the export calls them. -#}
{%- set timed = [
    ('campaigns', 'campaign_id', {'created_at': 'created_at'}),
    ('creative_assets', 'asset_id', {'created_at': 'created_at'}),
    ('orchestrator_decisions', 'decision_id', {'decided_at': 'timestamp'}),
    ('budget_actions', 'budget_action_id', {'proposed_at': 'timestamp'}),
    ('campaign_risk_signals', 'risk_id', {'raised_at': 'timestamp'}),
    ('attribution_hints', 'hint_id', {'hinted_at': 'timestamp'}),
] -%}

with final as (
    {%- for dataset, id, columns in timed %}
    {%- for column, field in columns.items() %}

    select
        '{{ dataset }}' as dataset,
        {{ id }} as record_key,
        '{{ field }}' as field,
        {{ column }} as happened_at,
        1 as record_count
    from {{ ref('stg_' ~ dataset) }}

    union all
    {%- endfor %}
    {%- endfor %}

    -- An approval's time follows from the latency, and is gone once the approval is withdrawn or contradicted by a
    -- rejection.
    select
        'budget_actions' as dataset,
        budget_action_id as record_key,
        'approval_latency_minutes' as field,
        {{ add_minutes('proposed_at', 'approval_latency_minutes') }} as happened_at,
        1 as record_count
    from {{ ref('stg_budget_actions') }}
    where
        is_approved_by_human
        and status is distinct from 'rejected'

    union all

    select
        'performance_metrics' as dataset,
        cast(null as string) as record_key,
        'timestamp' as field,
        last_at as happened_at,
        row_count as record_count
    from {{ ref('int_days_of_performance_metrics') }}

    union all

    -- A day's counts are known at its end.
    select
        'funnel_events' as dataset,
        cast(null as string) as record_key,
        'date' as field,
        {{ end_of_day('day') }} as happened_at,
        row_count as record_count
    from {{ ref('int_days_of_funnel_events') }}

)

select * from final
