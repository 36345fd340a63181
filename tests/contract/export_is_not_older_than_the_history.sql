{{ config(
    severity='warn',
    description='An export that is older than one seen before is built, but adds nothing to the history.'
) }}

select
    as_of.newest_event_at as export_is_as_of,
    max(status_log.seen_at) as history_is_as_of
from {{ ref('int_as_of') }} as as_of
cross join {{ ref('status_log') }} as status_log
group by as_of.newest_event_at
having as_of.newest_event_at < max(status_log.seen_at)
