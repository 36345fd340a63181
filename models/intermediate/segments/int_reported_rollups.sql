with rollups as (

    select * from {{ ref('stg_segment_rollups') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

final as (

    select rollups.*
    from rollups
    cross join as_of
    -- A rollup has no time of its own. With an earlier as-of, it counts as reported once its window was over; with the
    -- as-of at the latest event, every rollup of the export has been reported.
    where
        as_of.covers_all_events
        or {{ end_of_day('rollups.window_end') }} <= as_of.as_of

)

select * from final
