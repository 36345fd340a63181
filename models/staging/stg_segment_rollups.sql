with source as (

    select * from {{ ref('raw_segment_rollups') }}

),

final as (

    select
        rollup_id,
        campaign_id,
        segment_id,

        primary_kpi,
        recommendation,

        cast(impressions as bigint) as impressions,
        cast(clicks as bigint) as clicks,
        cast(conversions as bigint) as conversions,
        {{ exact_decimal('spend', 6) }} as spend,
        {{ exact_decimal('revenue_proxy', 6) }} as revenue_proxy,
        cast(kpi_value as double) as kpi_value,
        cast(trend_vs_prior_window as double) as trend_vs_prior_window,

        cast(window_start as date) as window_start,
        cast(window_end as date) as window_end
    from source

)

select * from final
