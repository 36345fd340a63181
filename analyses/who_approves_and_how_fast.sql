-- Who approves moves of budget, how many, and how long does that take?
select
    approver_id,
    count(*) as approvals,
    avg(cast(approval_latency_minutes as double)) as average_latency_minutes,
    max(approval_latency_minutes) as longest_latency_minutes
from {{ ref('budget_action_audit') }}
where approval_state = 'approved'
group by approver_id
order by approvals desc, approver_id asc nulls last
