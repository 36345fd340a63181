-- What should we do this week, most urgent first? Decided actions, to be followed up, come last.
select
    action_rank,
    action_state,
    action_type,
    record_id,
    campaign_name,
    reason,
    what_to_do,
    amount_at_stake,
    currency,
    stake_basis,
    waiting_since,
    due_at,
    answered_by_decision_id,
    answered_at
from {{ ref('next_actions') }}
order by action_rank asc nulls last, answered_at desc, action_type asc, record_id asc
