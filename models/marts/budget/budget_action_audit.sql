with actions as (

    select * from {{ ref('int_budget_actions') }}

),

violations as (

    select * from {{ ref('contract_violations') }}
    where rule = 4

),

status_changes as (

    select * from {{ ref('status_history') }}
    where dataset = 'budget_actions'

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

classified_actions as (

    select
        *,
        case
            when is_approved then 'approved'
            when status = 'rejected' then 'rejected'
            when status = 'proposed' then 'pending'
            when requires_approval then 'missing'
            else 'not_required'
        end as approval_state,
        -- Only what was executed has moved: a rolled back action is as if it had not.
        status = 'executed' as money_moved
    from actions

),

-- Moves that no person has looked at, each too small to need one.
unapproved_small_actions as (

    select *
    from classified_actions
    where
        approval_state in ('pending', 'not_required')
        and not requires_approval

),

-- The members of every window of the policy's length that starts with such a move.
split_windows as (

    select
        opening.budget_action_id as opening_action_id,
        opening.approval_threshold,
        member.budget_action_id,
        sum(member.amount) over (partition by opening.budget_action_id) as window_amount
    from unapproved_small_actions as opening
    inner join unapproved_small_actions as member
        on
            opening.campaign_id = member.campaign_id
            and opening.from_channel_id = member.from_channel_id
            and opening.to_channel_id = member.to_channel_id
            and opening.currency = member.currency
            and opening.proposed_at <= member.proposed_at
            and {{ add_minutes('opening.proposed_at', 60 * var('split_window_hours')) }} >= member.proposed_at

),

split_actions as (

    select budget_action_id
    from split_windows
    where window_amount >= approval_threshold
    group by budget_action_id

),

-- The latest executed move the other way; of two at the same time, the later id.
reversed_actions as (

    select
        later.budget_action_id,
        earlier.budget_action_id as reverses_action_id,
        row_number() over (
            partition by later.budget_action_id
            order by earlier.proposed_at desc, earlier.budget_action_id desc
        ) as recency
    from classified_actions as later
    inner join classified_actions as earlier
        on
            later.campaign_id = earlier.campaign_id
            and later.currency = earlier.currency
            and later.from_channel_id = earlier.to_channel_id
            and later.to_channel_id = earlier.from_channel_id
            and (
                later.proposed_at > earlier.proposed_at
                or (
                    later.proposed_at = earlier.proposed_at
                    and later.budget_action_id > earlier.budget_action_id
                )
            )
            and later.proposed_at <= {{ add_minutes('earlier.proposed_at', 24 * 60 * var('reversal_window_days')) }}
    where
        earlier.money_moved
        and not later.is_self_transfer

),

sightings as (

    select
        record_id,
        min(case when attribute = 'approved_by_human' and to_value = 'true' then seen_at end) as approval_first_seen_at,
        min(case when attribute = 'status' and to_value = 'executed' then seen_at end) as execution_first_seen_at,
        max(case when finding = 'moved_before_approval' then 1 else 0 end) = 1 as moved_before_approval
    from status_changes
    group by record_id

),

-- Unless what approval the action has now was given since: then it is of the new terms.
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
    from classified_actions as actions
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

-- What was put back is as it was approved.
changes_after_approval as (

    select
        record_id as budget_action_id,
        {{ string_list(
            "attribute || ' from ' || coalesce(approved_value, 'none') || ' to ' || coalesce(present_value, 'none')",
            'attribute',
            '; '
        ) }} as changes
    from terms
    where approved_value is distinct from present_value
    group by record_id

),

audited_actions as (

    select
        actions.*,
        violations.what_is_wrong,
        violations.is_waived,
        changes_after_approval.changes as changed_after_approval,
        'changed after approval: ' || changes_after_approval.changes as unapproved_change
    from classified_actions as actions
    left join violations
        on actions.budget_action_id = violations.record_key
    left join changes_after_approval
        on actions.budget_action_id = changes_after_approval.budget_action_id

),

final as (

    select
        actions.budget_action_id,
        actions.campaign_id,
        actions.from_channel_id,
        actions.to_channel_id,
        campaigns.campaign_name,
        from_channels.channel_label as from_channel_label,
        to_channels.channel_label as to_channel_label,
        actions.proposed_at,
        cast(actions.amount as decimal(18, 2)) as amount,
        actions.currency,
        actions.reason_code,
        actions.reason_detail,
        actions.proposed_by,
        actions.status,
        actions.requires_approval,
        actions.approval_state,
        actions.approver_id,
        cast(actions.approval_latency_minutes as bigint) as approval_latency_minutes,
        actions.approved_at,
        actions.money_moved,
        sightings.approval_first_seen_at,
        sightings.execution_first_seen_at,
        coalesce(sightings.moved_before_approval, false) as moved_before_approval,
        actions.changed_after_approval,
        actions.contradiction,
        actions.possible_duplicate_of,
        actions.is_self_transfer,
        split_actions.budget_action_id is not null as split_suspected,
        reversed_actions.reverses_action_id,
        case
            when actions.currency = '{{ var("reporting_currency") }}'
                then {{ rate('actions.amount', 'campaigns.budget') }}
        end as share_of_campaign_budget,
        case
            when coalesce(actions.what_is_wrong, actions.changed_after_approval) is not null then 'violation'
            when actions.approval_state = 'pending' then 'pending'
            else 'compliant'
        end as compliance_status,
        nullif({{ joined_reasons(['actions.what_is_wrong', 'actions.unapproved_change']) }}, '') as violation_reasons,
        coalesce(actions.is_waived, false) as is_waived
    from audited_actions as actions
    inner join campaigns using (campaign_id)
    inner join channels as from_channels
        on actions.from_channel_id = from_channels.channel_id
    inner join channels as to_channels
        on actions.to_channel_id = to_channels.channel_id
    left join sightings
        on actions.budget_action_id = sightings.record_id
    left join split_actions
        on actions.budget_action_id = split_actions.budget_action_id
    left join reversed_actions
        on
            actions.budget_action_id = reversed_actions.budget_action_id
            and reversed_actions.recency = 1

)

select * from final
