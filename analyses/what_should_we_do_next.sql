-- What should we do this week, most urgent first?
select
    action_rank,
    action_type,
    record_id,
    campaign_name,
    reason,
    what_to_do,
    amount_at_stake,
    currency
from {{ ref('next_actions') }}
order by action_rank
