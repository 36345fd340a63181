-- How confident does the orchestrator claim to be, and how often do its decisions stand?
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
