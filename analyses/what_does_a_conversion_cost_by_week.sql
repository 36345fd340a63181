-- What does a conversion cost on each channel, week by week?
select
    campaign_name,
    channel_label,
    week_start,
    is_week_complete,
    days_covered,
    cost_per_conversion,
    cost_per_conversion_change
from {{ ref('fct_channel_weekly') }}
order by campaign_name, channel_label, week_start
