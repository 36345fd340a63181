-- How do we stand against our targets, and what is the verdict?
select
    metric_label,
    unit,
    actual,
    target,
    verdict,
    reasons
from {{ ref('executive_scorecard') }}
order by metric_order
