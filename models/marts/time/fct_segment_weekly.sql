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
        {%- for name in weekly_sums() + weekly_rates().keys() | list %}
        weekly.{{ name }},
        weekly.prior_{{ name }},
        weekly.{{ name }}_change,
        {%- endfor %}
        weekly.days_covered,
        weekly.prior_days_covered,
        weekly.is_week_complete,
        weekly.is_comparable
    from weekly
    inner join campaigns
        on weekly.campaign_id = campaigns.campaign_id
    inner join segments
        on weekly.member_id = segments.segment_id

)

select * from final
