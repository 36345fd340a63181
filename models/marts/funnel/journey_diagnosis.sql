with steps as (

    select * from {{ ref('funnel_conversion') }}

),

performance as (

    select * from {{ ref('int_performance') }}

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

clicks_by_cell as (

    select
        campaign_id,
        segment_id,
        channel_id,
        sum(impressions) as impressions,
        sum(clicks) as clicks
    from performance
    group by campaign_id, segment_id, channel_id

),

portfolio as (

    select {{ rate('sum(clicks)', 'sum(impressions)') }} as portfolio_click_through_rate
    from clicks_by_cell

),

-- The weakest step: a blocked one before a weak one before the one that yields least of what it
-- yields elsewhere; of equals the lower rate, then the earlier stage.
ranked_steps as (

    select
        *,
        row_number() over (
            partition by campaign_id, segment_id, channel_id
            order by
                case drop_off_status when 'blocked' then 0 when 'weak' then 1 else 2 end asc,
                -- Rounded, so that equal shares are equal.
                round(step_conversion_rate / nullif(elsewhere_step_rate, 0), 12) asc nulls last,
                step_conversion_rate asc,
                stage_order asc
        ) as weakness_order
    from steps
    where step_conversion_rate is not null

),

journeys as (

    select
        campaign_id,
        segment_id,
        channel_id,
        max(case when drop_off_status = 'blocked' then 1 else 0 end) = 1 as has_blocked_step,
        max(case when drop_off_status = 'weak' then 1 else 0 end) = 1 as has_weak_step,
        max(case when drop_off_status = 'anomalous' then 1 else 0 end) = 1 as has_anomalous_step,
        {{ string_list(
            "case when drop_off_status = 'anomalous' then replace(stage, '_', ' ') end", 'stage_order', ', '
        ) }} as anomalous_stages,
        count(step_conversion_rate) as rated_steps
    from steps
    group by campaign_id, segment_id, channel_id

),

cells as (

    select
        campaign_id,
        segment_id,
        channel_id
    from clicks_by_cell

    union

    select
        campaign_id,
        segment_id,
        channel_id
    from journeys

),

measured_cells as (

    select
        cells.*,
        clicks_by_cell.impressions,
        clicks_by_cell.clicks,
        {{ rate('clicks_by_cell.clicks', 'clicks_by_cell.impressions') }} as click_through_rate,
        portfolio.portfolio_click_through_rate,
        {{ wilson_bound('clicks_by_cell.clicks', 'clicks_by_cell.impressions', 'low') }} as click_through_ci_low,
        {{ wilson_bound('clicks_by_cell.clicks', 'clicks_by_cell.impressions', 'high') }} as click_through_ci_high,
        coalesce(journeys.has_blocked_step, false) as has_blocked_step,
        coalesce(journeys.has_weak_step, false) as has_weak_step,
        coalesce(journeys.has_anomalous_step, false) as has_anomalous_step,
        journeys.anomalous_stages,
        coalesce(journeys.rated_steps, 0) as rated_steps,
        weakest_step.previous_stage as weakest_previous_stage,
        weakest_step.stage as weakest_stage,
        weakest_step.step_conversion_rate as weakest_step_rate
    from cells
    cross join portfolio
    left join clicks_by_cell
        on
            cells.campaign_id = clicks_by_cell.campaign_id
            and cells.segment_id = clicks_by_cell.segment_id
            and cells.channel_id = clicks_by_cell.channel_id
    left join journeys
        on
            cells.campaign_id = journeys.campaign_id
            and cells.segment_id = journeys.segment_id
            and cells.channel_id = journeys.channel_id
    left join ranked_steps as weakest_step
        on
            cells.campaign_id = weakest_step.campaign_id
            and cells.segment_id = weakest_step.segment_id
            and cells.channel_id = weakest_step.channel_id
            and weakest_step.weakness_order = 1

),

-- Strong or weak only where the interval says so; between them clicks say nothing of the journey.
compared_cells as (

    select
        *,
        case
            when click_through_ci_low >= {{ var('strong_click_through_ratio') }} * portfolio_click_through_rate
                then 'strong_clicks_'
            when click_through_ci_high < {{ var('strong_click_through_ratio') }} * portfolio_click_through_rate
                then 'weak_clicks_'
            else ''
        end as click_verdict
    from measured_cells

),

diagnosed_cells as (

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
    from compared_cells

),

final as (

    select
        diagnosed_cells.campaign_id,
        diagnosed_cells.segment_id,
        diagnosed_cells.channel_id,
        campaigns.campaign_name,
        segments.segment_name,
        segments.segment_priority,
        channels.channel_label,
        cast(diagnosed_cells.impressions as bigint) as impressions,
        cast(diagnosed_cells.clicks as bigint) as clicks,
        diagnosed_cells.click_through_rate,
        diagnosed_cells.click_through_ci_low,
        diagnosed_cells.click_through_ci_high,
        diagnosed_cells.portfolio_click_through_rate,
        diagnosed_cells.weakest_previous_stage,
        diagnosed_cells.weakest_stage,
        diagnosed_cells.weakest_step_rate,
        diagnosed_cells.diagnosis,
        case
            when diagnosed_cells.click_through_rate is null then 'click-through rate not measured'
            else
                'click-through rate ' || {{ percent_text('diagnosed_cells.click_through_rate') }}
                || ' (portfolio ' || {{ percent_text('diagnosed_cells.portfolio_click_through_rate') }} || ')'
        end
        || case
            when diagnosed_cells.weakest_stage is null then '; no step measured'
            else
                '; ' || replace(diagnosed_cells.weakest_previous_stage, '_', ' ') || ' to '
                || replace(diagnosed_cells.weakest_stage, '_', ' ') || ' '
                || {{ percent_text('diagnosed_cells.weakest_step_rate') }}
        end
        || coalesce('; more than came before at ' || diagnosed_cells.anomalous_stages, '') as evidence
    from diagnosed_cells
    inner join campaigns using (campaign_id)
    inner join segments using (segment_id)
    inner join channels using (channel_id)

)

select * from final
