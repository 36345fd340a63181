-- What happened in CAMP_002, and in what order? Without the many performance snapshots.
select
    event_order,
    occurred_at,
    event_type,
    record_id,
    event_description
from {{ ref('campaign_timeline') }}
where
    campaign_id = 'CAMP_002'
    and event_type <> 'performance_recorded'
order by event_order
