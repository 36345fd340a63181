-- What is each campaign's projected spend at its end, and on which day is its budget gone?
select
    campaign_name,
    pacing_status,
    budget,
    metered_spend,
    spend_at_end,
    spend_at_end_low,
    spend_at_end_high,
    budget_gone_on
from {{ ref('campaign_pacing') }}
order by campaign_name
