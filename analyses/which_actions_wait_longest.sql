-- Which open actions have waited longest?
select
    action_type,
    record_id,
    campaign_name,
    what_to_do,
    waiting_since,
    due_at
from {{ ref('next_actions') }}
where action_state = 'open'
order by waiting_since asc nulls last, action_rank asc
