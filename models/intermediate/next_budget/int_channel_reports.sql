with days as (

    select * from {{ ref('int_performance_days') }}

),

budget_weeks as (

    select * from {{ ref('int_budget_weeks') }}

),

-- Only the covered days within the weeks count.
final as (

    select
        days.campaign_id,
        days.channel_id,
        days.asset_id,
        cast(days.recorded_at as date) as recorded_date,
        min(days.day) as covered_from,
        cast(count(distinct days.day) as integer) as days_covered,
        cast(sum(days.conversions) as bigint) as conversions,
        cast(sum(days.spend) as decimal(18, 6)) as spend,
        cast(sum(days.revenue_proxy) as decimal(18, 6)) as revenue_proxy
    from days
    inner join budget_weeks
        on days.day between budget_weeks.window_start and budget_weeks.window_end
    group by days.campaign_id, days.channel_id, days.asset_id, cast(days.recorded_at as date)

)

select * from final
