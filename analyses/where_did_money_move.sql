-- Between which channels was money moved, who approved it, and what is odd about it?
select
    campaign_name,
    from_channel_label,
    to_channel_label,
    currency,
    amount,
    approved_at,
    approver_id,
    compliance_status,
    is_self_transfer,
    split_suspected,
    reverses_action_id
from {{ ref('budget_action_audit') }}
where money_moved
order by proposed_at, budget_action_id
