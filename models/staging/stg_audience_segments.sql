with source as (

    select * from {{ ref('raw_audience_segments') }}

),

final as (

    select
        segment_id,

        name as segment_name,
        description as segment_description,
        priority as segment_priority,

        cast(size_estimate as bigint) as size_estimate
    from source

)

select * from final
