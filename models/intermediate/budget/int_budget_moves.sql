with changes as (

    select * from {{ ref('int_status_changes') }}
    where dataset = 'budget_actions'

),

moves as (

    select
        record_id,
        export_number
    from changes
    where
        attribute = 'status'
        and to_value in ('executed', 'rolled_back')

),

-- The latest values of the action up to the export of its move.
latest_values as (

    select
        moves.record_id,
        moves.export_number,
        changes.attribute,
        changes.to_value as value,
        row_number() over (
            partition by moves.record_id, moves.export_number, changes.attribute
            order by changes.export_number desc
        ) as recency
    from moves
    inner join changes
        on
            moves.record_id = changes.record_id
            and moves.export_number >= changes.export_number

),

moved_actions as (

    select
        record_id,
        export_number,
        cast(max(case when attribute = 'amount' then value end) as decimal(18, 2)) as amount,
        max(case when attribute = 'currency' then value end) as currency,
        max(case when attribute = 'approved_by_human' then value end) as approved_by_human,
        {{ blank_to_null("max(case when attribute = 'approver_id' then value end)") }} as approver_id,
        max(case when attribute = 'approval_latency_minutes' then value end) as approval_latency_minutes
    from latest_values
    where recency = 1
    group by record_id, export_number

),

final as (

    select
        record_id as budget_action_id,
        export_number,
        {{ requires_approval('amount', 'currency') }} as requires_approval,
        coalesce(
            approved_by_human = 'true' and approver_id is not null and approval_latency_minutes is not null,
            false
        ) as is_approved
    from moved_actions

)

select * from final
