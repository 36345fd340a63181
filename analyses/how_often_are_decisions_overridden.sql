-- How often does a person override the orchestrator, week by week?
select
    week_start,
    count(*) as decisions,
    avg(cast(answered_risks as double)) as override_rate
from {{ ref('decision_audit') }}
group by week_start
order by week_start
