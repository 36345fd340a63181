-- Which channel of each campaign should more budget go to, and what speaks against the others?
select
    campaign_name,
    channel_label,
    budget_rank,
    return_rank,
    cost_per_conversion,
    cost_per_conversion_low,
    cost_per_conversion_high,
    evidence_status,
    marginal_cost_per_conversion,
    approval_needed_from,
    reason,
    reasons_against
from {{ ref('next_budget') }}
order by campaign_name asc, budget_rank asc nulls last, channel_id asc
