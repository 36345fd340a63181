-- Which funnel step got worse than in the week before, beyond noise?
select
    campaign_name,
    segment_name,
    channel_label,
    previous_stage,
    stage,
    week_start,
    prior_step_conversion_rate,
    step_conversion_rate,
    step_conversion_rate_change
from {{ ref('funnel_trend') }}
where step_trend = 'worsened'
order by week_start desc, step_conversion_rate_change asc, campaign_id asc, segment_id asc, channel_id asc, stage asc
