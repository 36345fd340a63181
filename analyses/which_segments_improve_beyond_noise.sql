-- Which segments do better than in the previous window, beyond noise?
select
    campaign_name,
    segment_name,
    window_end,
    primary_kpi,
    prior_kpi_value,
    kpi_value,
    trend_ci_low,
    trend_ci_high
from {{ ref('segment_rollups') }}
where is_judged and is_beyond_noise and kpi_value > prior_kpi_value
order by campaign_id, segment_id
