with campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

ledger as (

    select * from {{ ref('stg_roi_ledger') }}

),

performance as (

    select * from {{ ref('int_performance') }}

),

pacing as (

    select * from {{ ref('campaign_pacing') }}

),

metered as (

    select
        campaign_id,
        sum(impressions) as impressions,
        sum(clicks) as clicks,
        sum(conversions) as conversions,
        sum(cost) as spend,
        sum(revenue_proxy) as revenue_proxy
    from performance
    group by campaign_id

),

measured_campaigns as (

    select
        campaigns.*,
        metered.impressions,
        metered.clicks,
        metered.conversions,
        metered.spend as metered_spend,
        metered.revenue_proxy,
        ledger.media_spend as ledger_media_spend,
        ledger.llm_cost,
        ledger.human_review_cost,
        ledger.estimated_value,
        ledger.net_roi as reported_net_roi,
        ledger.llm_cost + ledger.human_review_cost + ledger.media_spend as ledger_cost,
        ledger.estimated_value - ledger.llm_cost - ledger.human_review_cost - ledger.media_spend as net_roi,
        {{ rate('ledger.media_spend', 'campaigns.budget') }} as budget_utilisation,
        {{ rate('pacing.days_gone', 'pacing.planned_days') }} as days_gone_share,
        pacing.pacing_status
    from campaigns
    inner join pacing
        on campaigns.campaign_id = pacing.campaign_id
    left join metered
        on campaigns.campaign_id = metered.campaign_id
    left join ledger
        on campaigns.campaign_id = ledger.campaign_id

),

final as (

    select
        campaign_id,
        campaign_name,
        objective,
        status,
        currency,
        cast(budget as decimal(18, 2)) as budget,
        cast(ledger_media_spend as decimal(18, 2)) as ledger_media_spend,
        cast(metered_spend as decimal(18, 2)) as metered_spend,
        cast(
            cast(ledger_media_spend as decimal(18, 2)) - cast(metered_spend as decimal(18, 2)) as decimal(18, 2)
        ) as spend_difference,
        cast(llm_cost as decimal(18, 2)) as llm_cost,
        cast(human_review_cost as decimal(18, 2)) as human_review_cost,
        cast(ledger_cost as decimal(18, 2)) as ledger_cost,
        cast(estimated_value as decimal(18, 2)) as estimated_value,
        cast(net_roi as decimal(18, 2)) as net_roi,
        cast(reported_net_roi as decimal(18, 2)) as reported_net_roi,
        {{ rate('net_roi', 'ledger_cost') }} as return_on_cost,
        cast(impressions as bigint) as impressions,
        cast(clicks as bigint) as clicks,
        cast(conversions as bigint) as conversions,
        cast(revenue_proxy as decimal(18, 2)) as revenue_proxy,
        {{ rate('metered_spend', 'conversions') }} as cost_per_conversion,
        {{ rate('revenue_proxy', 'metered_spend') }} as return_on_ad_spend,
        budget_utilisation,
        days_gone_share,
        pacing_status,
        {{ rate('revenue_proxy', 'budget') }} as revenue_to_budget_ratio,
        -- Compared with the budget of the days gone; rounded, so that revenue exactly at a ratio reaches it.
        case
            when status = 'draft' or days_gone_share = 0 then cast(null as string)
            when round({{ rate('revenue_proxy', 'budget') }} / days_gone_share, 12) >= {{ var('exceeds_target_ratio') }}
                then 'exceeds_target'
            when round({{ rate('revenue_proxy', 'budget') }} / days_gone_share, 12) >= {{ var('meets_target_ratio') }}
                then 'meets_target'
            when {{ rate('revenue_proxy', 'budget') }} is not null then 'below_target'
        end as performance_status
    from measured_campaigns

)

select * from final
