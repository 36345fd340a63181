with source as (

    select * from {{ ref('raw_creative_assets') }}

),

final as (

    select
        asset_id,
        campaign_id,
        segment_id,
        channel_id,

        variant,
        message_theme,
        cta as call_to_action,
        risk_flags,

        cast(approved_by_human as boolean) as is_approved_by_human,

        cast(created_at as timestamp) as created_at
    from source

)

select * from final
