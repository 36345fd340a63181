{{ config(
    severity='warn',
    description='An export that is older than one seen before is built, but adds nothing to the history. Exports of
        another company? Each has a history.duckdb of its own: move this one away.'
) }}

select
    as_of.newest_record_at as newest_record_of_the_export,
    max(status_log.newest_record_at) as newest_record_seen_before
from {{ ref('int_as_of') }} as as_of
cross join {{ standing_log(ref('status_log')) }} as status_log
group by as_of.newest_record_at
having as_of.newest_record_at < max(status_log.newest_record_at)
