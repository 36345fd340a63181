with segments as (

    select * from {{ ref('stg_audience_segments') }}

),

final as (

    select
        segment_id,
        {{ unique_label('segment_name', 'segment_id') }} as segment_name,
        segment_description,
        segment_priority,
        size_estimate
    from segments

)

select * from final
