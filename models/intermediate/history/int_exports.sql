with log as (

    select * from {{ standing_log(ref('status_log')) }} as standing
    where dataset is null

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

final as (

    select
        log.export_number,
        log.seen_at,
        lag(log.seen_at) over (order by log.export_number) as previous_export_at,
        row_number() over (order by log.export_number desc) as recency
    from log
    cross join as_of
    where log.seen_at <= as_of.as_of

)

select * from final
