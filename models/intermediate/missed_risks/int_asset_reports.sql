with performance as (

    select * from {{ ref('int_performance') }}

),

coverage as (

    select * from {{ ref('int_performance_coverage') }}

),

final as (

    select
        performance.asset_id,
        performance.campaign_id,
        performance.channel_id,
        performance.recorded_date as reported_on,
        max(performance.recorded_at) as reported_at,
        min(coverage.covered_from) as covered_from,
        min(coverage.days_covered) as days_covered,
        cast(sum(performance.impressions) as bigint) as impressions,
        cast(sum(performance.clicks) as bigint) as clicks,
        cast(sum(performance.conversions) as bigint) as conversions,
        sum(performance.cost) as spend
    from performance
    inner join coverage
        on
            performance.asset_id = coverage.asset_id
            and performance.recorded_date = coverage.recorded_date
    group by performance.asset_id, performance.campaign_id, performance.channel_id, performance.recorded_date

)

select * from final
