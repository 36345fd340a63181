with risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

performance as (

    select * from {{ ref('int_performance') }}

),

-- Written twice, since the engine copies a CTE that is read twice.
funnel_of_places as (

    select * from {{ ref('int_funnel_daily') }}

),

funnel_of_campaigns as (

    select * from {{ ref('int_funnel_daily') }}

),

scope as (

    select * from {{ ref('int_risk_scope') }}

),

spend_days as (

    select * from {{ ref('int_performance_days') }}

),

performance_facts as (

    select
        scope.risk_id,
        sum(performance.impressions) as impressions,
        sum(performance.clicks) as clicks,
        sum(performance.conversions) as conversions,
        sum(performance.cost) as spend
    from scope
    inner join risk_signals using (risk_id)
    inner join performance using (asset_id)
    where risk_signals.raised_at >= performance.recorded_at
    group by scope.risk_id

),

spend_by_day as (

    select
        scope.risk_id,
        spend_days.day,
        min(spend_days.covered_from) as covered_from,
        sum(spend_days.spend) as spend
    from scope
    inner join risk_signals using (risk_id)
    inner join spend_days using (asset_id)
    where risk_signals.raised_at >= spend_days.recorded_at
    group by scope.risk_id, spend_days.day

),

newest_days as (

    select
        *,
        row_number() over (partition by risk_id order by day desc) as recency
    from spend_by_day

),

-- All days that the rows of the latest day cover count as that day.
days_before as (

    select
        newest_days.risk_id,
        spend_by_day.spend,
        row_number() over (partition by newest_days.risk_id order by spend_by_day.day desc) as recency
    from newest_days
    inner join spend_by_day
        on
            newest_days.risk_id = spend_by_day.risk_id
            and newest_days.covered_from > spend_by_day.day
    where newest_days.recency = 1

),

prior_spend as (

    select
        risk_id,
        {{ rate('sum(spend)', 'count(*)') }} as prior_daily_spend
    from days_before
    where recency <= {{ var('daily_spend_days') }}
    group by risk_id

),

-- The campaigns, segments and channels of the named assets, else the whole campaign.
named_places as (

    select
        scope.risk_id,
        risk_signals.raised_at,
        assets.campaign_id,
        assets.segment_id,
        assets.channel_id
    from scope
    inner join risk_signals using (risk_id)
    inner join assets using (asset_id)
    where risk_signals.names_assets
    group by
        scope.risk_id,
        risk_signals.raised_at,
        assets.campaign_id,
        assets.segment_id,
        assets.channel_id

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
        risk_signals.risk_id,
        {%- for stage in var('funnel_stages') %}
        funnel_of_campaigns.{{ stage }}_count,
        {%- endfor %}
        funnel_of_campaigns.confidence
    from risk_signals
    inner join funnel_of_campaigns using (campaign_id)
    where
        not risk_signals.names_assets
        and risk_signals.raised_at >= funnel_of_campaigns.known_at

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
        cast(newest_days.spend as double) as current_daily_spend,
        prior_spend.prior_daily_spend,
        {%- for stage in var('funnel_stages') %}
        funnel_facts.{{ stage }}_count,
        {%- endfor %}
        funnel_facts.data_confidence
    from risk_signals
    left join performance_facts
        on risk_signals.risk_id = performance_facts.risk_id
    left join newest_days
        on
            risk_signals.risk_id = newest_days.risk_id
            and newest_days.recency = 1
    left join prior_spend
        on risk_signals.risk_id = prior_spend.risk_id
    left join funnel_facts
        on risk_signals.risk_id = funnel_facts.risk_id

)

select * from final
