with actions as (

    select * from {{ ref('int_budget_actions') }}

),

status_changes as (

    select * from {{ ref('status_history') }}
    where dataset = 'budget_actions'

),

-- Unless the present approval was given since: then it is for the new terms.
unapproved_changes as (

    select
        status_changes.*,
        row_number() over (
            partition by status_changes.record_id, status_changes.attribute
            order by status_changes.export_number
        ) as first_order,
        row_number() over (
            partition by status_changes.record_id, status_changes.attribute
            order by status_changes.export_number desc
        ) as last_order
    from actions
    inner join status_changes
        on actions.budget_action_id = status_changes.record_id
    where
        actions.is_approved
        and status_changes.finding = 'changed_after_approval'
        and coalesce(actions.approved_at <= status_changes.previous_export_at, true)

),

terms as (

    select
        record_id,
        attribute,
        max(case when first_order = 1 then from_value end) as approved_value,
        max(case when last_order = 1 then to_value end) as present_value
    from unapproved_changes
    group by record_id, attribute

),

-- A change that was undone is as approved.
final as (

    select
        record_id as budget_action_id,
        {{ string_list(
            "attribute || ' from ' || coalesce(approved_value, 'none') || ' to ' || coalesce(present_value, 'none')",
            'attribute',
            '; '
        ) }} as changed_after_approval
    from terms
    where approved_value is distinct from present_value
    group by record_id

)

select * from final
