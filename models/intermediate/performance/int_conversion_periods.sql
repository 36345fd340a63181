with performance as (

    select * from {{ ref('int_performance_daily') }}

),

coverage as (

    select * from {{ ref('int_performance_coverage') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

kpi_definitions as (

    select * from {{ ref('kpi_definitions') }}
    where funnel_stage is not null

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

covered_rows as (

    select
        campaigns.campaign_id,
        assets.segment_id,
        assets.channel_id,
        campaigns.primary_kpi,
        kpi_definitions.funnel_stage,
        coverage.covered_from,
        coverage.recorded_date as covered_until,
        sum(case kpi_definitions.numerator
            when 'clicks' then performance.clicks
            when 'conversions' then performance.conversions
        end) as performance_count
    from performance
    inner join coverage using (asset_id, recorded_date)
    inner join assets using (asset_id)
    inner join campaigns using (campaign_id)
    inner join kpi_definitions
        on campaigns.primary_kpi = kpi_definitions.kpi
    group by
        campaigns.campaign_id,
        assets.segment_id,
        assets.channel_id,
        campaigns.primary_kpi,
        kpi_definitions.funnel_stage,
        coverage.covered_from,
        coverage.recorded_date

),

-- Assets are recorded on different days, so rows that overlap can only be compared together.
ordered_rows as (

    select
        *,
        max(covered_until) over (
            partition by campaign_id, segment_id, channel_id
            order by covered_from, covered_until
            rows between unbounded preceding and 1 preceding
        ) as covered_before
    from covered_rows

),

numbered_rows as (

    select
        *,
        sum(case when covered_from <= covered_before then 0 else 1 end) over (
            partition by campaign_id, segment_id, channel_id
            order by covered_from, covered_until
            rows between unbounded preceding and current row
        ) as period_number
    from ordered_rows

),

final as (

    select
        campaign_id,
        segment_id,
        channel_id,
        primary_kpi,
        funnel_stage,
        period_number,
        min(covered_from) as covered_from,
        max(covered_until) as covered_until,
        sum(performance_count) as performance_count
    from numbered_rows
    group by
        campaign_id,
        segment_id,
        channel_id,
        primary_kpi,
        funnel_stage,
        period_number

)

select * from final
