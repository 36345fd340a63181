-- Which findings meet a risk's definition without a signal that reports them, the most severe and expensive first?

select
    risk_type,
    severity,
    campaign_name,
    record_id,
    fact,
    first_seen_on,
    cost_since,
    nearest_risk_id
from {{ ref('missed_risks') }}
where is_current
order by severity_rank desc, cost_since desc, finding_id asc
