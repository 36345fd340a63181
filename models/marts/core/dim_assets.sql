with assets as (

    select * from {{ ref('stg_creative_assets') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

segments as (

    select * from {{ ref('int_segments') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

labelled_assets as (

    select
        *,
        message_theme || ' (' || variant || ')' as label
    from assets

),

uniquely_labelled_assets as (

    select
        *,
        {{ unique_label('label', 'asset_id') }} as asset_label
    from labelled_assets

),

final as (

    select
        assets.asset_id,
        assets.campaign_id,
        assets.segment_id,
        assets.channel_id,
        assets.asset_label,
        campaigns.campaign_name,
        segments.segment_name,
        channels.channel_label,
        assets.variant,
        assets.message_theme,
        assets.call_to_action,
        {{ array_text(json_string_list('assets.risk_flags')) }} as risk_flags,
        {{ array_length(json_string_list('assets.risk_flags')) }} > 0 as has_risk_flags,
        assets.is_approved_by_human,
        assets.created_at
    from uniquely_labelled_assets as assets
    cross join as_of
    inner join campaigns using (campaign_id)
    inner join segments using (segment_id)
    inner join channels using (channel_id)
    where assets.created_at <= as_of.as_of

)

select * from final
