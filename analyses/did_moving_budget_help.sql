-- How did the channels that gave and received money do before and after? A comparison, not a cause:
-- look at moves whose window is over and that no other move overlaps.
select
    budget_action_id,
    direction,
    campaign_name,
    channel_label,
    effective_date,
    impressions_before,
    impressions_after,
    conversion_rate_before,
    conversion_rate_after,
    conversion_rate_delta,
    is_after_complete,
    is_overlapped
from {{ ref('budget_action_impact') }}
order by effective_date, budget_action_id, direction
