with exports as (

    select * from {{ ref('int_exports') }}

),

judgment_changes as (

    select * from {{ ref('int_judgment_changes') }}

),

pairs as (

    select * from {{ ref('int_judgment_pairs') }}

),

status_changes as (

    select * from {{ ref('int_status_changes') }}

),

moves as (

    select * from {{ ref('int_budget_moves') }}

),

budget_actions as (

    select
        budget_action_id,
        campaign_id,
        amount,
        {{ money_move_text() }} as money_move
    from {{ ref('budget_action_audit') }}

),

compared as (

    select
        export_number,
        previous_export_at as compared_from,
        seen_at as compared_to
    from exports
    where
        recency = 1
        and previous_export_at is not null

),

judged_exports as (

    select count(distinct export_number) as export_count
    from {{ ref('int_judgments') }}
    where recency <= 2

),

changes as (

    select
        change_type,
        record_id,
        item,
        campaign_id,
        what,
        before_text,
        after_text,
        relative_change,
        importance
    from judgment_changes

    union all

    select
        case
            when {{ is_unresolved('status_changes.to_value') }} then 'risk_raised'
            else 'risk_closed'
        end as change_type,
        status_changes.record_id,
        'risk' as item,
        status_changes.campaign_id,
        coalesce(pairs.label, status_changes.record_id) as what,
        status_changes.from_value as before_text,
        status_changes.to_value as after_text,
        cast(null as double) as relative_change,
        pairs.item_order as importance
    from status_changes
    inner join compared
        on status_changes.export_number = compared.export_number
    left join pairs
        on
            status_changes.record_id = pairs.record_id
            and pairs.kind = 'risk'
    where
        status_changes.dataset = 'campaign_risk_signals'
        and ({{ is_unresolved('status_changes.to_value') }})
        <> coalesce({{ is_unresolved('status_changes.from_value') }}, false)

    union all

    select
        'money_moved' as change_type,
        moves.budget_action_id as record_id,
        'status' as item,
        budget_actions.campaign_id,
        -- The present export may lack it.
        coalesce(budget_actions.money_move, moves.budget_action_id) as what,
        status_changes.from_value as before_text,
        status_changes.to_value as after_text,
        cast(null as double) as relative_change,
        budget_actions.amount as importance
    from moves
    inner join compared
        on moves.export_number = compared.export_number
    inner join status_changes
        on
            moves.budget_action_id = status_changes.record_id
            and moves.export_number = status_changes.export_number
            and status_changes.dataset = 'budget_actions'
            and status_changes.attribute = 'status'
    left join budget_actions
        on moves.budget_action_id = budget_actions.budget_action_id

    union all

    select
        'status_changed' as change_type,
        status_changes.record_id,
        status_changes.dataset || '.' || status_changes.attribute as item,
        status_changes.campaign_id,
        {{ status_text('status_changes.dataset', 'status_changes.attribute') }} as what,
        status_changes.from_value as before_text,
        status_changes.to_value as after_text,
        cast(null as double) as relative_change,
        cast(null as double) as importance
    from status_changes
    inner join compared
        on status_changes.export_number = compared.export_number
    where
        status_changes.from_value is not null
        or status_changes.attribute = 'status'

    union all

    select
        'nothing_to_compare' as change_type,
        cast(null as string) as record_id,
        cast(null as string) as item,
        cast(null as string) as campaign_id,
        case
            when count(*) = 0 then 'No export is in the history yet.'
            when count(*) = 1 then 'This is the first export in the history: there is none before it to compare with.'
            else 'What one of the two newest exports showed was not kept.'
        end as what,
        cast(null as string) as before_text,
        cast(null as string) as after_text,
        cast(null as double) as relative_change,
        cast(null as double) as importance
    from exports
    cross join judged_exports
    where exports.recency <= 2
    having
        count(*) < 2
        or max(judged_exports.export_count) < 2

),

final as (

    select
        changes.*,
        compared.compared_from,
        compared.compared_to,
        compared.compared_to as changed_at
    from changes
    left join compared
        on 1 = 1

)

select * from final
