{{ config(
    severity='warn',
    description='A dataset that had records in an export before has none now: what rests on it is not zero, but not
        measured. If it was left out by mistake, have it exported again.'
) }}

with standing_log as (

    select * from {{ standing_log(ref('status_log')) }} as standing

),

exports as (

    select standing_log.*
    from standing_log
    inner join {{ ref('int_as_of') }} as as_of on standing_log.newest_record_at <= as_of.newest_record_at
    where standing_log.dataset is null

),

counts as (

    select
        dataset,
        cast(value as bigint) as row_count,
        export_number,
        lead(export_number) over (partition by dataset order by export_number) as next_number
    from standing_log
    where attribute = 'row_count'

),

-- A count stands until an export shows another.
counts_by_export as (

    select
        counts.dataset,
        counts.row_count,
        exports.export_number,
        exports.seen_at,
        row_number() over (partition by counts.dataset order by exports.export_number desc) as recency
    from counts
    inner join exports
        on
            counts.export_number <= exports.export_number
            and (counts.next_number > exports.export_number or counts.next_number is null)
    where counts.row_count > 0

)

select
    inputs.dataset,
    inputs.row_count as records_now,
    counts_by_export.row_count as records_before,
    counts_by_export.export_number as in_export,
    counts_by_export.seen_at as of_export_as_of
from {{ ref('int_inputs') }} as inputs
inner join counts_by_export using (dataset)
where
    inputs.row_count = 0
    and counts_by_export.recency = 1
