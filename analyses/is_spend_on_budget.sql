-- How does each campaign's spend compare with its budget?
select
    campaign_name,
    pacing_status,
    budget,
    planned_spend_by_now,
    metered_spend,
    spend_per_day,
    spend_per_day_to_use_budget
from {{ ref('campaign_pacing') }}
order by campaign_name
