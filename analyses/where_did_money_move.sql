-- Between which channels was money moved, who approved it, did it show in spend, and what are the findings?
select
    actions.campaign_name,
    actions.from_channel_label,
    actions.to_channel_label,
    actions.currency,
    actions.amount,
    actions.approved_at,
    actions.approver_id,
    actions.compliance_status,
    actions.is_self_transfer,
    actions.split_suspected,
    actions.reverses_action_id,
    uptake.uptake_status,
    uptake.uptake_reason,
    uptake.capacity_findings
from {{ ref('budget_action_audit') }} as actions
inner join {{ ref('money_uptake') }} as uptake
    on actions.budget_action_id = uptake.budget_action_id
where actions.money_moved
order by actions.proposed_at, actions.budget_action_id
