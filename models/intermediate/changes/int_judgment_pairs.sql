with exports as (

    select * from {{ ref('int_exports') }}

),

judgments as (

    select * from {{ ref('int_judgments') }}

),

status_changes as (

    select * from {{ ref('int_status_changes') }}

),

-- An action has one row per reason.
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

-- The outcome of a budget action that is no longer pending.
new_statuses as (

    select
        status_changes.record_id,
        status_changes.to_value as status
    from status_changes
    inner join exports
        on status_changes.export_number = exports.export_number
    where
        status_changes.dataset = 'budget_actions'
        and status_changes.attribute = 'status'
        and exports.recency = 1

),

final as (

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

)

select * from final
