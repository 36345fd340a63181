-- Which step of a funnel got worse, or better, since the week before?
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
order by
    week_start desc,
    step_conversion_rate_change asc nulls last,
    campaign_name asc,
    segment_name asc,
    channel_label asc,
    stage_order asc
