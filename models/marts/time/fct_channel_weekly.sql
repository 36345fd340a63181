with weekly as (

    select * from {{ ref('int_performance_weekly') }}
    where member_kind = 'channel'

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

final as (

    select
        weekly.campaign_id,
        weekly.member_id as channel_id,
        weekly.week_start,
        campaigns.campaign_name,
        channels.channel_label,
        weekly.is_week_complete,
        weekly.is_comparable,
        weekly.days_covered,
        weekly.prior_days_covered,
        {%- for name in ['impressions', 'clicks', 'conversions', 'spend', 'revenue_proxy', 'click_through_rate', 'conversion_rate', 'cost_per_conversion', 'return_on_ad_spend'] %}
        weekly.{{ name }},
        weekly.prior_{{ name }},
        weekly.{{ name }}_change{{ ',' if not loop.last }}
        {%- endfor %}
    from weekly
    inner join campaigns
        on weekly.campaign_id = campaigns.campaign_id
    inner join channels
        on weekly.member_id = channels.channel_id

)

select * from final
