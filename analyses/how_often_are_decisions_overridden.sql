-- How often does a person override the orchestrator, week by week?
select
    week_start,
    count(*) as decisions,
    avg(cast(is_human_override as double)) as override_rate
from {{ ref('decision_audit') }}
group by week_start
order by week_start
