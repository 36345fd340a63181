with status_log as (

    select * from {{ ref('status_log') }}

),

transitions as (

    select * from {{ ref('status_transitions') }}

),

budget_actions as (

    select * from {{ ref('int_budget_actions') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

known_log as (

    select status_log.*
    from status_log
    cross join as_of
    where status_log.seen_at <= as_of.as_of

),

exports as (

    select
        export_number,
        lag(seen_at) over (order by export_number) as previous_export_at
    from known_log
    where dataset is null

),

changes as (

    select
        *,
        row_number() over (
            partition by dataset, record_id, attribute
            order by export_number
        ) as change_number,
        lag(value) over (
            partition by dataset, record_id, attribute
            order by export_number
        ) as from_value
    from known_log
    where dataset is not null

),

-- The values that the policy knows; what follows an unknown one is not judged.
known_values as (

    select
        dataset,
        attribute,
        from_value as value
    from transitions

    union

    select
        dataset,
        attribute,
        to_value as value
    from transitions

),

-- What each budget action needs, and the first export that showed its approval.
approvals as (

    select
        budget_actions.budget_action_id as record_id,
        budget_actions.requires_approval,
        min(changes.export_number) as first_approved_export
    from budget_actions
    left join changes
        on
            budget_actions.budget_action_id = changes.record_id
            and changes.dataset = 'budget_actions'
            and changes.attribute = 'approved_by_human'
            and changes.value = 'true'
    group by budget_actions.budget_action_id, budget_actions.requires_approval

),

judged_changes as (

    select
        changes.*,
        exports.previous_export_at,
        from_values.value is not null
        and to_values.value is not null
        and transitions.to_value is null as is_illegal,
        (
            changes.dataset = 'budget_actions'
            and changes.attribute = 'status'
            and changes.value = 'executed'
            and approvals.requires_approval
            and (approvals.first_approved_export is null or changes.export_number < approvals.first_approved_export)
        ) as is_unapproved_move,
        coalesce(
            changes.dataset = 'campaign_risk_signals'
            and {{ is_unresolved('changes.value') }}
            and not {{ is_unresolved('changes.from_value') }},
            false
        ) as is_reopening
    from changes
    inner join exports using (export_number)
    left join known_values as from_values
        on
            changes.dataset = from_values.dataset
            and changes.attribute = from_values.attribute
            and changes.from_value = from_values.value
    left join known_values as to_values
        on
            changes.dataset = to_values.dataset
            and changes.attribute = to_values.attribute
            and changes.value = to_values.value
    left join transitions
        on
            changes.dataset = transitions.dataset
            and changes.attribute = transitions.attribute
            and changes.from_value = transitions.from_value
            and changes.value = transitions.to_value
    left join approvals
        on
            changes.dataset = 'budget_actions'
            and changes.record_id = approvals.record_id

),

final as (

    select
        dataset,
        record_id,
        attribute,
        cast(change_number as integer) as change_number,
        campaign_id,
        from_value,
        value as to_value,
        case when change_number > 1 then previous_export_at end as not_seen_at,
        seen_at,
        export_number,
        is_reopening,
        case
            when is_unapproved_move then 'moved_before_approval'
            when is_illegal then 'illegal_transition'
        end as finding
    from judged_changes

)

select * from final
