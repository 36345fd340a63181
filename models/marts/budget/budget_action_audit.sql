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

splits as (

    select * from {{ ref('int_budget_splits') }}

),

reversals as (

    select * from {{ ref('int_budget_reversals') }}

),

changed_terms as (

    select * from {{ ref('int_budget_changed_terms') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

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

audited_actions as (

    select
        actions.*,
        violations.what_is_wrong,
        violations.is_waived,
        changed_terms.changed_after_approval,
        'changed after approval: ' || changed_terms.changed_after_approval as unapproved_change
    from actions
    left join violations
        on actions.budget_action_id = violations.record_key
    left join changed_terms
        on actions.budget_action_id = changed_terms.budget_action_id

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
        splits.budget_action_id is not null as split_suspected,
        reversals.reverses_action_id,
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
    left join splits
        on actions.budget_action_id = splits.budget_action_id
    left join reversals
        on actions.budget_action_id = reversals.budget_action_id

)

select * from final
