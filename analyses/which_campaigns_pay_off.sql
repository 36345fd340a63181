-- Which campaigns earn more than they cost, and do ledger and metered spend agree?
select
    campaign_name,
    performance_status,
    pacing_status,
    ledger_cost,
    net_roi,
    return_on_cost,
    cost_per_conversion,
    return_on_ad_spend,
    spend_difference
from {{ ref('campaign_performance') }}
order by return_on_cost desc nulls last, campaign_name asc
