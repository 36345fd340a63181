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
    trend
from {{ ref('funnel_trend') }}
order by
    case trend when 'worse' then 1 when 'better' then 2 else 3 end asc,
    week_start desc,
    campaign_name asc,
    segment_name asc,
    channel_label asc,
    stage_order asc
