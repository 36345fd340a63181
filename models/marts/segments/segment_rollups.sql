{%- set window_days = var('rollup_window_days') -%}

with performance as (

    select * from {{ ref('int_performance') }}

),

reported_rollups as (

    select * from {{ ref('int_reported_rollups') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

segments as (

    select * from {{ ref('int_segments') }}

),

kpi_definitions as (

    select * from {{ ref('kpi_definitions') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- Windows are tiled, both ways, from the newest window that was reported.
anchor as (

    select
        as_of.as_of,
        coalesce(max(reported_rollups.window_end), as_of.as_of_date) as window_end
    from as_of
    left join reported_rollups on true
    group by as_of.as_of, as_of.as_of_date

),

windowed_performance as (

    select
        performance.*,
        anchor.as_of,
        {{ add_days(
            'anchor.window_end',
            window_days ~ ' * ceil(' ~ days_between('anchor.window_end', 'performance.recorded_date')
            ~ ' / cast(' ~ window_days ~ ' as double))'
        ) }} as window_end
    from performance
    cross join anchor

),

window_totals as (

    select
        campaign_id,
        segment_id,
        window_end,
        sum(impressions) as impressions,
        sum(clicks) as clicks,
        sum(conversions) as conversions,
        sum(cost) as spend,
        sum(revenue_proxy) as revenue_proxy,
        max(case when {{ end_of_day('window_end') }} > as_of then 1 else 0 end) = 1 as is_partial
    from windowed_performance
    group by campaign_id, segment_id, window_end

),

measured_windows as (

    select
        window_totals.*,
        campaigns.campaign_name,
        segments.segment_name,
        segments.segment_priority,
        campaigns.primary_kpi,
        {{ rate(
            measure_value('kpi_definitions.numerator'),
            measure_value('kpi_definitions.denominator')
        ) }} as kpi_value
    from window_totals
    inner join campaigns using (campaign_id)
    inner join segments using (segment_id)
    left join kpi_definitions
        on campaigns.primary_kpi = kpi_definitions.kpi

),

trended_windows as (

    select
        measured_windows.*,
        {{ held_relative_change('measured_windows.kpi_value', 'prior_window.kpi_value') }} as trend_vs_prior_window,
        -- A rise by a tenth is 0.1 to policy, and not the last bit less that a double may have.
        round({{ held_relative_change('measured_windows.kpi_value', 'prior_window.kpi_value') }}, 12) as judged_trend
    from measured_windows
    left join measured_windows as prior_window
        on
            measured_windows.campaign_id = prior_window.campaign_id
            and measured_windows.segment_id = prior_window.segment_id
            and prior_window.window_end = {{ add_days('measured_windows.window_end', -window_days) }}

),

final as (

    select
        campaign_id,
        segment_id,
        window_end,
        {{ add_days('window_end', 1 - window_days) }} as window_start,
        campaign_name,
        segment_name,
        segment_priority,
        cast(impressions as bigint) as impressions,
        cast(clicks as bigint) as clicks,
        cast(conversions as bigint) as conversions,
        cast(spend as decimal(18, 2)) as spend,
        cast(revenue_proxy as decimal(18, 2)) as revenue_proxy,
        primary_kpi,
        kpi_value,
        trend_vs_prior_window,
        case
            when
                judged_trend <= {{ var('stop_trend_maximum') }}
                or (impressions >= {{ var('rollup_minimum_impressions') }} and conversions = 0)
                then 'stop'
            when judged_trend >= {{ var('scale_trend_minimum') }} then 'scale'
            when judged_trend < 0 then 'revise'
            else 'hold'
        end as recommendation,
        is_partial,
        window_end = max(window_end) over (partition by campaign_id, segment_id) as is_newest
    from trended_windows

)

select * from final
