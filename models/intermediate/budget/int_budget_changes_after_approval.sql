with changes as (

    select * from {{ ref('int_status_changes') }}
    where dataset = 'budget_actions'

),

actions as (

    select * from {{ ref('stg_budget_actions') }}

),

-- Each value with the export that first showed the next one.
shown_values as (

    select
        *,
        lead(export_number) over (
            partition by record_id, attribute
            order by export_number
        ) as next_number
    from changes

),

term_changes as (

    select *
    from changes
    where
        attribute in ('amount', 'currency', 'from_channel_id', 'to_channel_id')
        and change_number > 1

),

-- The approval known before the change, and the approval in the export of the change.
approvals as (

    select
        term_changes.record_id,
        term_changes.attribute,
        term_changes.export_number,
        term_changes.previous_export_at,
        case
            when approvals_shown.to_value = 'true' and latencies_shown.to_value is not null
                then {{ add_minutes('actions.proposed_at', 'latencies_shown.to_value') }}
        end as shown_approval_at
    from term_changes
    inner join shown_values as known_approvals
        on
            term_changes.record_id = known_approvals.record_id
            and known_approvals.attribute = 'approved_by_human'
            and known_approvals.to_value = 'true'
            and term_changes.export_number > known_approvals.export_number
            and (known_approvals.next_number is null or term_changes.export_number <= known_approvals.next_number)
    left join shown_values as approvals_shown
        on
            term_changes.record_id = approvals_shown.record_id
            and approvals_shown.attribute = 'approved_by_human'
            and term_changes.export_number >= approvals_shown.export_number
            and (approvals_shown.next_number is null or term_changes.export_number < approvals_shown.next_number)
    left join shown_values as latencies_shown
        on
            term_changes.record_id = latencies_shown.record_id
            and latencies_shown.attribute = 'approval_latency_minutes'
            and term_changes.export_number >= latencies_shown.export_number
            and (latencies_shown.next_number is null or term_changes.export_number < latencies_shown.next_number)
    left join actions
        on term_changes.record_id = actions.budget_action_id

),

final as (

    select
        record_id as budget_action_id,
        attribute,
        export_number
    from approvals
    -- An approval after the previous export may be for the new terms.
    where coalesce(shown_approval_at <= previous_export_at, true)

)

select * from final
