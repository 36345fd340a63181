with exports as (

    select * from {{ ref('int_exports') }}

),

judgments as (

    select * from {{ ref('int_judgments') }}
    where recency <= 2

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
    from judgments

),

-- An action stands here for each reason that calls for it.
{%- for moment, recency in [('before', 2), ('after', 1)] %}

{{ moment }} as (

    select
        kind,
        record_id,
        coalesce(action_type, kind) as item,
        max(campaign_id) as campaign_id,
        max(label) as label,
        max(unit) as unit,
        max(actual) as actual,
        max(verdict) as verdict,
        max(reasons) as reasons,
        min(item_order) as item_order
    from judgments
    where recency = {{ recency }}
    group by kind, record_id, coalesce(action_type, kind)

),
{%- endfor %}

-- What became of a budget action that nobody has to decide any more.
new_statuses as (

    select
        status_changes.record_id,
        status_changes.to_value as status
    from status_changes
    inner join compared
        on status_changes.export_number = compared.export_number
    where
        status_changes.dataset = 'budget_actions'
        and status_changes.attribute = 'status'

),

pairs as (

    select
        coalesce(after.kind, before.kind) as kind,
        coalesce(after.record_id, before.record_id) as record_id,
        coalesce(after.item, before.item) as item,
        coalesce(after.campaign_id, before.campaign_id) as campaign_id,
        coalesce(after.label, before.label) as label,
        coalesce(after.unit, before.unit) as unit,
        before.actual as actual_before,
        after.actual as actual_after,
        coalesce(before.reasons, '') <> coalesce(after.reasons, '') as has_other_reasons,
        coalesce(before.actual = after.actual, coalesce(before.actual, after.actual) is null) as is_same_figure,
        before.reasons as reasons_before,
        after.reasons as reasons_after,
        before.verdict as verdict_before,
        case
            when after.verdict is null and before.item = 'decide_budget_action' then new_statuses.status
            else after.verdict
        end as verdict_after,
        after.item_order
    from before
    full outer join after
        on
            before.kind = after.kind
            and before.record_id = after.record_id
            and before.item = after.item
    left join new_statuses
        on
            before.kind = 'action'
            and before.record_id = new_statuses.record_id

),

judged_changes as (

    select
        *,
        case
            when kind = 'metric' and verdict_before <> verdict_after then 'verdict_moved'
            when kind = 'metric' and (not is_same_figure or has_other_reasons) then 'metric_moved'
            when kind = 'experiment' and coalesce(verdict_before, '') <> coalesce(verdict_after, '')
                then 'verdict_changed'
            when kind = 'risk' and verdict_after is null then 'risk_gone'
            when
                kind = 'risk'
                and verdict_after like 'reviewed%'
                and coalesce(verdict_before, '') not like 'reviewed%'
                then 'risk_reviewed'
            when kind = 'risk' and verdict_after = 'overdue' and coalesce(verdict_before, '') <> 'overdue'
                then 'risk_overdue'
            when kind = 'action' and verdict_after = 'open' and coalesce(verdict_before, '') <> 'open'
                then 'action_new'
            when kind = 'action' and verdict_before = 'open' and verdict_after is null then 'action_gone'
            when kind = 'action' and verdict_after <> 'open' and coalesce(verdict_before, '') <> verdict_after
                then 'action_decided'
        end as change_type
    from pairs
    where 2 = (select judged_exports.export_count from judged_exports)

),

changes as (

    select
        change_type,
        record_id,
        item,
        campaign_id,
        label as what,
        {%- for moment in ['before', 'after'] %}
        case
            when kind <> 'metric' then replace(verdict_{{ moment }}, '_', ' ')
            when unit = 'verdict'
                then replace(verdict_{{ moment }}, '_', ' ') || coalesce(': ' || reasons_{{ moment }}, '')
            else
                coalesce({{ metric_text('actual_' ~ moment, 'unit') }}, 'no figure')
                || case verdict_{{ moment }}
                    when 'informational' then ''
                    else ' (' || replace(verdict_{{ moment }}, '_', ' ') || ')'
                end
        end as {{ moment }}_text,
        {%- endfor %}
        case when kind = 'metric' then actual_after / nullif(actual_before, 0) - 1 end as relative_change,
        case
            when kind = 'risk' then item_order
            when kind = 'action' then -item_order
            when kind = 'metric' then abs(actual_after / nullif(actual_before, 0) - 1)
        end as importance
    from judged_changes
    where change_type is not null

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
        -- The export that is built may not hold it.
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
