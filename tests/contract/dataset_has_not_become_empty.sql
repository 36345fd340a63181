{{ config(
    severity='warn',
    description='A dataset that had records in an earlier export has none now: figures from it are not zero, but not
        measured. If it was left out by mistake, export it again.'
) }}

with counts as (

    select
        dataset,
        export_number,
        seen_at,
        cast(value as bigint) as row_count,
        row_number() over (partition by dataset order by export_number desc) as recency
    from {{ standing_log(ref('status_log')) }} as standing
    where
        attribute = 'row_count'
        and value <> '0'

)

select
    inputs.dataset,
    inputs.row_count as records_now,
    counts.row_count as records_before,
    counts.export_number as since_export,
    counts.seen_at as of_export_as_of
from {{ ref('int_inputs') }} as inputs
inner join counts
    on
        inputs.dataset = counts.dataset
        and counts.recency = 1
where inputs.row_count = 0
