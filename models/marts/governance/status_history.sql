with changes as (

    select * from {{ ref('int_status_changes') }}

),

-- The same columns as a change, for an equality join.
moves as (

    select
        'budget_actions' as dataset,
        budget_action_id as record_id,
        'status' as attribute,
        export_number,
        requires_approval,
        is_approved
    from {{ ref('int_budget_moves') }}

),

changes_after_approval as (

    select
        'budget_actions' as dataset,
        budget_action_id as record_id,
        attribute,
        export_number,
        true as is_after_approval
    from {{ ref('int_budget_changes_after_approval') }}

),

transitions as (

    select * from {{ ref('status_transitions') }}

),

-- The values that the policy lists; a change from or to another value is not judged.
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

judged_changes as (

    select
        changes.*,
        from_values.value is not null
        and to_values.value is not null
        and transitions.to_value is null as is_illegal,
        moves.requires_approval and not moves.is_approved as is_unapproved_move,
        changes_after_approval.is_after_approval
    from changes
    left join known_values as from_values
        on
            changes.dataset = from_values.dataset
            and changes.attribute = from_values.attribute
            and changes.from_value = from_values.value
    left join known_values as to_values
        on
            changes.dataset = to_values.dataset
            and changes.attribute = to_values.attribute
            and changes.to_value = to_values.value
    left join transitions
        on
            changes.dataset = transitions.dataset
            and changes.attribute = transitions.attribute
            and changes.from_value = transitions.from_value
            and changes.to_value = transitions.to_value
    left join moves
        on
            changes.dataset = moves.dataset
            and changes.record_id = moves.record_id
            and changes.attribute = moves.attribute
            and changes.export_number = moves.export_number
    left join changes_after_approval
        on
            changes.dataset = changes_after_approval.dataset
            and changes.record_id = changes_after_approval.record_id
            and changes.attribute = changes_after_approval.attribute
            and changes.export_number = changes_after_approval.export_number

),

final as (

    select
        dataset,
        record_id,
        attribute,
        cast(change_number as integer) as change_number,
        campaign_id,
        from_value,
        to_value,
        previous_export_at,
        seen_at,
        export_number,
        coalesce(
            dataset = 'campaign_risk_signals'
            and {{ is_unresolved('to_value') }}
            and not {{ is_unresolved('from_value') }},
            false
        ) as is_reopening,
        case
            when is_unapproved_move then 'moved_before_approval'
            when is_after_approval then 'changed_after_approval'
            when is_illegal then 'illegal_transition'
        end as finding
    from judged_changes

)

select * from final
