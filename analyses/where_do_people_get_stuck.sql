-- Which steps of a journey lose people, the largest loss first?
-- Only steps with enough people, compared with the step's rate elsewhere; nobody passed a blocked step.
select
    campaign_name,
    segment_name,
    channel_label,
    previous_stage,
    stage,
    previous_stage_count,
    dropped_count,
    step_conversion_rate,
    elsewhere_step_rate,
    drop_off_status
from {{ ref('funnel_conversion') }}
where drop_off_status in ('blocked', 'weak')
order by dropped_count desc, campaign_name asc, segment_name asc, channel_label asc, stage asc
