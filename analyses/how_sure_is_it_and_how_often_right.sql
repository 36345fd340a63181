-- How sure does the orchestrator say it is, and how often does its decision stand?
select
    bucket,
    decisions,
    overridden,
    mean_confidence,
    stood_share,
    ci_low,
    ci_high,
    gap,
    calibration
from {{ ref('confidence_calibration') }}
order by bucket_low nulls last
