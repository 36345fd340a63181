{{ config(
    severity='warn',
    description='An export that is older than an earlier one is built, but adds nothing to the history. If it is from
        another company, move history.duckdb away: each company needs its own.'
) }}

select
    as_of.newest_record_at as newest_record_of_the_export,
    max(status_log.newest_record_at) as newest_record_seen_before
from {{ ref('int_as_of') }} as as_of
cross join {{ standing_log(ref('status_log')) }} as status_log
group by as_of.newest_record_at
having as_of.newest_record_at < max(status_log.newest_record_at)
