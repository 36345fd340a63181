with weekly as (

    select * from {{ ref('int_performance_weekly') }}
    where member_kind = 'segment'

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

segments as (

    select * from {{ ref('dim_segments') }}

),

final as (

    select
        weekly.campaign_id,
        weekly.member_id as segment_id,
        weekly.week_start,
        campaigns.campaign_name,
        segments.segment_name,
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
    inner join segments
        on weekly.member_id = segments.segment_id

)

select * from final
