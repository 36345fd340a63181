with assets as (

    select * from {{ ref('dim_assets') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

performance as (

    select * from {{ ref('int_performance') }}

),

daily_spend as (

    select * from {{ ref('int_daily_spend') }}
    where record_kind = 'asset'

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

seen_assets as (

    select
        asset_id,
        min(case when impressions > 0 then recorded_at end) as first_shown_at,
        max(recorded_at) as last_recorded_at
    from performance
    group by asset_id

),

-- An asset that was approved or taken down is not here, so every asset here is open.
final as (

    select
        'withdraw_asset' as action_type,
        assets.asset_id as record_id,
        assets.campaign_id,
        'runs without approval by a person'
        || case when assets.has_risk_flags then ', flagged ' || replace(assets.risk_flags, '_', ' ') else '' end
            as reason,
        'approve or withdraw ' || assets.asset_label as what_to_do,
        daily_spend.spend_per_day,
        cast(null as string) as answered_by_decision_id,
        cast(null as timestamp) as answered_at,
        seen_assets.first_shown_at as waiting_since
    from assets
    cross join as_of
    inner join seen_assets using (asset_id)
    inner join campaigns
        on assets.campaign_id = campaigns.campaign_id
    left join daily_spend
        on assets.asset_id = daily_spend.record_id
    where
        not assets.is_approved_by_human
        and campaigns.status = 'active'
        and as_of.as_of <= {{ add_minutes('seen_assets.last_recorded_at', 24 * 60 * var('running_asset_days')) }}

)

select * from final
