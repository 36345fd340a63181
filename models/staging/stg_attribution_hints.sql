with source as (

    select * from {{ ref('raw_attribution_hints') }}

),

final as (

    select
        hint_id,
        campaign_id,
        channel_id,

        method,

        cast(attributed_conversions as bigint) as attributed_conversions,
        cast(confidence as double) as confidence,

        cast({{ adapter.quote('timestamp') }} as timestamp) as hinted_at
    from source

)

select * from final
