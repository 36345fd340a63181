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
    -- A rollup carries no time of its own. Looking back, one whose window was not over had not been
    -- reported; looking from the newest event, whatever is in the export has been.
    where
        as_of.covers_all_events
        or {{ end_of_day('rollups.window_end') }} <= as_of.as_of

)

select * from final
