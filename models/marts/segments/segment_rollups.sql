with windows as (

    select * from {{ ref('int_segment_windows') }}

),

trends as (

    select * from {{ ref('int_segment_trends') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

segments as (

    select * from {{ ref('int_segments') }}

),

trended_windows as (

    select
        windows.*,
        trends.prior_kpi_value,
        trends.trend,
        trends.trend_ci_low,
        trends.trend_ci_high,
        coalesce(trends.is_beyond_noise, false) as is_beyond_noise,
        -- Rounded, so that a rise of a tenth equals 0.1 in policy, whatever the last bit of the double.
        round(trends.trend, 12) as judged_trend,
        windows.impressions >= {{ var('rollup_minimum_impressions') }} and windows.conversions = 0 as converts_nobody,
        {{ rate(
            'sum(windows.conversions) over (partition by windows.campaign_id, windows.window_end)',
            'sum(windows.impressions) over (partition by windows.campaign_id, windows.window_end)'
        ) }} as campaign_conversion_rate
    from windows
    left join trends using (campaign_id, segment_id, window_end)

),

recommended_windows as (

    select
        *,
        case
            when is_partial then cast(null as string)
            when judged_trend <= {{ var('stop_trend_maximum') }} or converts_nobody then 'stop'
            when judged_trend >= {{ var('scale_trend_minimum') }} then 'scale'
            when judged_trend < 0 then 'revise'
            else 'hold'
        end as recommendation,
        -- No conversion is beyond chance where even the upper bound is far below the campaign's rate.
        converts_nobody
        and {{ wilson_bound('conversions', 'impressions', 'high') }}
        < {{ var('weak_step_ratio') }} * campaign_conversion_rate as converts_far_too_few
    from trended_windows

),

compared_with_window_before as (

    select
        *,
        lag(recommendation) over segment_windows as previous_recommendation,
        lag(window_end) over segment_windows as previous_window_end
    from recommended_windows
    window segment_windows as (partition by campaign_id, segment_id order by window_end)

),

final as (

    select
        windows.campaign_id,
        windows.segment_id,
        windows.window_end,
        windows.window_start,
        campaigns.campaign_name,
        segments.segment_name,
        segments.segment_priority,
        cast(windows.impressions as bigint) as impressions,
        cast(windows.clicks as bigint) as clicks,
        cast(windows.conversions as bigint) as conversions,
        cast(windows.spend as decimal(18, 2)) as spend,
        cast(windows.revenue_proxy as decimal(18, 2)) as revenue_proxy,
        windows.primary_kpi,
        windows.kpi_value,
        windows.prior_kpi_value,
        windows.trend as trend_vs_prior_window,
        windows.trend_ci_low,
        windows.trend_ci_high,
        windows.is_beyond_noise,
        windows.recommendation,
        coalesce(
            case windows.recommendation
                when 'stop'
                    then
                        windows.converts_far_too_few
                        or (windows.is_beyond_noise and windows.judged_trend <= {{ var('stop_trend_maximum') }})
                when 'scale' then windows.is_beyond_noise
            end,
            false
        ) as is_borne_out,
        case
            when windows.recommendation is not null
                then max(case
                    when
                        windows.recommendation is distinct from windows.previous_recommendation
                        or windows.previous_window_end
                        <> {{ add_days('windows.window_end', -var('rollup_window_days')) }}
                        then windows.window_end
                end) over (partition by windows.campaign_id, windows.segment_id order by windows.window_end)
        end as recommended_since,
        windows.is_partial,
        windows.window_end = max(windows.window_end) over (
            partition by windows.campaign_id, windows.segment_id
        ) as is_newest,
        windows.is_judged
    from compared_with_window_before as windows
    inner join campaigns using (campaign_id)
    inner join segments using (segment_id)

)

select * from final
