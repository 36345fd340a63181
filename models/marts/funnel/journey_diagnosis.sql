with journeys as (

    select * from {{ ref('int_journeys') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

segments as (

    select * from {{ ref('int_segments') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

-- Strong or weak only by the interval; in between, clicks do not affect the diagnosis.
compared_journeys as (

    select
        *,
        case
            when click_through_ci_low >= {{ var('strong_click_through_ratio') }} * portfolio_click_through_rate
                then 'strong_clicks_'
            when click_through_ci_high < {{ var('strong_click_through_ratio') }} * portfolio_click_through_rate
                then 'weak_clicks_'
            else ''
        end as click_verdict
    from journeys

),

diagnosed_journeys as (

    select
        *,
        case
            when has_anomalous_step then 'tracking_anomaly'
            when rated_steps = 0 and click_through_rate is null then 'no_data'
            when rated_steps = 0 then 'journey_not_measured'
            when has_blocked_step then click_verdict || 'blocked_journey'
            when has_weak_step then click_verdict || 'weak_journey'
            when click_verdict = 'weak_clicks_' then 'weak_clicks'
            else 'healthy'
        end as diagnosis
    from compared_journeys

),

final as (

    select
        diagnosed_journeys.campaign_id,
        diagnosed_journeys.segment_id,
        diagnosed_journeys.channel_id,
        campaigns.campaign_name,
        segments.segment_name,
        segments.segment_priority,
        channels.channel_label,
        cast(diagnosed_journeys.impressions as bigint) as impressions,
        cast(diagnosed_journeys.clicks as bigint) as clicks,
        diagnosed_journeys.click_through_rate,
        diagnosed_journeys.click_through_ci_low,
        diagnosed_journeys.click_through_ci_high,
        diagnosed_journeys.portfolio_click_through_rate,
        diagnosed_journeys.weakest_previous_stage,
        diagnosed_journeys.weakest_stage,
        diagnosed_journeys.weakest_step_rate,
        diagnosed_journeys.diagnosis,
        case
            when diagnosed_journeys.click_through_rate is null then 'click-through rate not measured'
            else
                'click-through rate ' || {{ percent_text('diagnosed_journeys.click_through_rate') }}
                || ' (portfolio ' || {{ percent_text('diagnosed_journeys.portfolio_click_through_rate') }} || ')'
        end
        || case
            when diagnosed_journeys.weakest_stage is null then '; no step measured'
            else
                '; ' || replace(diagnosed_journeys.weakest_previous_stage, '_', ' ') || ' to '
                || replace(diagnosed_journeys.weakest_stage, '_', ' ') || ' '
                || {{ percent_text('diagnosed_journeys.weakest_step_rate') }}
        end
        || coalesce('; more than came before at ' || diagnosed_journeys.anomalous_stages, '') as evidence
    from diagnosed_journeys
    inner join campaigns using (campaign_id)
    inner join segments using (segment_id)
    inner join channels using (channel_id)

)

select * from final
