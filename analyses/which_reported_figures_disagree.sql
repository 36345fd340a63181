-- Which figures reported by the orchestrator disagree with its own performance data?
select
    rollup_id,
    campaign_name,
    segment_name,
    measure,
    reported_value,
    computed_value,
    relative_difference
from {{ ref('segment_rollup_reconciliation') }}
where status = 'mismatch'
order by abs(relative_difference) desc nulls last, rollup_id asc, measure asc
