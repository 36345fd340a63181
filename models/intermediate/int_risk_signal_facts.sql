with risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

performance as (

    select * from {{ ref('int_performance') }}

),

-- Twice, since what is read twice by one name is copied first.
funnel_of_places as (

    select * from {{ ref('int_funnel_daily') }}

),

funnel_of_campaigns as (

    select * from {{ ref('int_funnel_daily') }}

),

listed_assets as (

    select
        risk_id,
        {{ unnest_array('asset_ids') }} as asset_id
    from risk_signals

),

-- An asset that a signal lists twice is still one asset.
named_assets as (

    select
        listed_assets.risk_id,
        listed_assets.asset_id,
        assets.campaign_id,
        assets.segment_id,
        assets.channel_id
    from listed_assets
    inner join assets using (asset_id)
    group by
        listed_assets.risk_id,
        listed_assets.asset_id,
        assets.campaign_id,
        assets.segment_id,
        assets.channel_id

),

signals as (

    select
        risk_signals.risk_id,
        risk_signals.campaign_id,
        risk_signals.raised_at,
        count(named_assets.asset_id) > 0 as names_assets
    from risk_signals
    left join named_assets using (risk_id)
    group by risk_signals.risk_id, risk_signals.campaign_id, risk_signals.raised_at

),

-- What a signal is about: the assets that it names, else its whole campaign.
performance_scope as (

    select
        signals.risk_id,
        signals.raised_at,
        named_assets.asset_id
    from signals
    inner join named_assets using (risk_id)

    union all

    select
        signals.risk_id,
        signals.raised_at,
        assets.asset_id
    from signals
    inner join assets using (campaign_id)
    where not signals.names_assets

),

performance_facts as (

    select
        performance_scope.risk_id,
        sum(performance.impressions) as impressions,
        sum(performance.clicks) as clicks,
        sum(performance.conversions) as conversions,
        sum(performance.cost) as spend
    from performance_scope
    inner join performance
        on
            performance_scope.asset_id = performance.asset_id
            and performance_scope.raised_at >= performance.recorded_at
    group by performance_scope.risk_id

),

-- The named assets' campaigns, segments and channels, else the whole campaign.
named_places as (

    select
        signals.risk_id,
        signals.raised_at,
        named_assets.campaign_id,
        named_assets.segment_id,
        named_assets.channel_id
    from signals
    inner join named_assets using (risk_id)
    group by
        signals.risk_id,
        signals.raised_at,
        named_assets.campaign_id,
        named_assets.segment_id,
        named_assets.channel_id

),

funnel_days as (

    select
        named_places.risk_id,
        {%- for stage in var('funnel_stages') %}
        funnel_of_places.{{ stage }}_count,
        {%- endfor %}
        funnel_of_places.confidence
    from named_places
    inner join funnel_of_places using (campaign_id, segment_id, channel_id)
    where named_places.raised_at >= funnel_of_places.known_at

    union all

    select
        signals.risk_id,
        {%- for stage in var('funnel_stages') %}
        funnel_of_campaigns.{{ stage }}_count,
        {%- endfor %}
        funnel_of_campaigns.confidence
    from signals
    inner join funnel_of_campaigns using (campaign_id)
    where
        not signals.names_assets
        and signals.raised_at >= funnel_of_campaigns.known_at

),

funnel_facts as (

    select
        {%- for stage in var('funnel_stages') %}
        sum({{ stage }}_count) as {{ stage }}_count,
        {%- endfor %}
        min(confidence) as data_confidence,
        risk_id
    from funnel_days
    group by risk_id

),

final as (

    select
        risk_signals.risk_id,
        performance_facts.impressions,
        performance_facts.clicks,
        performance_facts.conversions,
        performance_facts.spend,
        {{ rate('performance_facts.conversions', 'performance_facts.impressions') }} as conversion_rate,
        {{ rate('performance_facts.clicks', 'performance_facts.impressions') }} as click_through_rate,
        {%- for stage in var('funnel_stages') %}
        funnel_facts.{{ stage }}_count,
        {%- endfor %}
        funnel_facts.data_confidence
    from risk_signals
    left join performance_facts using (risk_id)
    left join funnel_facts using (risk_id)

)

select * from final
