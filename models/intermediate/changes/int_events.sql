with risk_signals as (

    select
        *,
        {{ risk_text() }} as label
    from {{ ref('risk_escalation') }}

),

budget_actions as (

    select
        *,
        {{ money_move_text() }} as money_move,
        coalesce(approved_at, proposed_at) as moved_at
    from {{ ref('budget_action_audit') }}
    where money_moved

),

actions as (

    select * from {{ ref('next_actions') }}

),

experiments as (

    select * from {{ ref('experiment_results') }}

),

status_changes as (

    select * from {{ ref('int_status_changes') }}

),

final as (
    {%- for change_type, moment, after, is_so in [
        ('risk_raised', 'raised_at', 'cast(null as string)', 'true'),
        ('risk_reviewed', 'reviewed_at', "replace(review_state, '_', ' ')", 'true'),
        ('risk_overdue', 'review_due_at', 'cast(null as string)', "review_state = 'overdue'"),
        ('risk_closed', 'closing_seen_at', 'status', 'not is_unresolved'),
    ] %}

    select
        '{{ change_type }}' as change_type,
        risk_id as record_id,
        'risk' as item,
        campaign_id,
        label as what,
        cast(null as string) as before_text,
        {{ after }} as after_text,
        cast(null as double) as relative_change,
        severity_rank as importance,
        {{ moment }} as changed_at
    from risk_signals
    where {{ is_so }}

    union all
    {%- endfor %}

    select
        'money_moved' as change_type,
        budget_action_id as record_id,
        'status' as item,
        campaign_id,
        money_move as what,
        cast(null as string) as before_text,
        status as after_text,
        cast(null as double) as relative_change,
        amount as importance,
        moved_at as changed_at
    from budget_actions

    union all

    select
        case action_state when 'open' then 'action_new' else 'action_decided' end as change_type,
        record_id,
        action_type as item,
        max(campaign_id) as campaign_id,
        max(what_to_do) as what,
        cast(null as string) as before_text,
        action_state as after_text,
        cast(null as double) as relative_change,
        -min(action_rank) as importance,
        min(coalesce(answered_at, waiting_since)) as changed_at
    from actions
    group by action_state, record_id, action_type

    union all

    select
        'verdict_changed' as change_type,
        experiment_id as record_id,
        'experiment' as item,
        campaign_id,
        experiment_label as what,
        cast(null as string) as before_text,
        replace(verdict, '_', ' ') as after_text,
        cast(null as double) as relative_change,
        cast(null as double) as importance,
        cast(verdict_since as timestamp) as changed_at
    from experiments

    union all

    select
        'status_changed' as change_type,
        record_id,
        dataset || '.' || attribute || ' ' || cast(change_number as string) as item,
        campaign_id,
        {{ status_text('dataset', 'attribute') }} as what,
        from_value as before_text,
        to_value as after_text,
        cast(null as double) as relative_change,
        cast(null as double) as importance,
        seen_at as changed_at
    from status_changes
    where from_value is not null

)

select * from final
