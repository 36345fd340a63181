with segments as (

    select * from {{ ref('int_segments') }}

),

final as (

    select
        segment_id,
        segment_name,
        segment_description,
        segment_priority,
        size_estimate
    from segments

)

select * from final
