-- Which risks are unresolved, how long have they waited, and by when must they be reviewed?
select
    risk_id,
    severity,
    campaign_name,
    what_to_do,
    review_state,
    review_due_at,
    waiting_minutes / 60 as waiting_hours
from {{ ref('risk_inbox') }}
order by waiting_minutes desc, risk_id asc
