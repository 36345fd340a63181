with steps as (

    select * from {{ ref('funnel_conversion') }}

),

performance as (

    select * from {{ ref('int_performance') }}

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
-- The weakest step: blocked first, then weak, then the lowest rate relative to elsewhere, the lower
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

cell_steps as (

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
    from cell_steps

),

final as (

    select
        cells.*,
        clicks_by_cell.impressions,
        clicks_by_cell.clicks,
        {{ rate('clicks_by_cell.clicks', 'clicks_by_cell.impressions') }} as click_through_rate,
        portfolio.portfolio_click_through_rate,
        {{ wilson_bound('clicks_by_cell.clicks', 'clicks_by_cell.impressions', 'low') }} as click_through_ci_low,
        {{ wilson_bound('clicks_by_cell.clicks', 'clicks_by_cell.impressions', 'high') }} as click_through_ci_high,
        coalesce(cell_steps.has_blocked_step, false) as has_blocked_step,
        coalesce(cell_steps.has_weak_step, false) as has_weak_step,
        coalesce(cell_steps.has_anomalous_step, false) as has_anomalous_step,
        cell_steps.anomalous_stages,
        coalesce(cell_steps.rated_steps, 0) as rated_steps,
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
    left join cell_steps
        on
            cells.campaign_id = cell_steps.campaign_id
            and cells.segment_id = cell_steps.segment_id
            and cells.channel_id = cell_steps.channel_id
    left join ranked_steps as weakest_step
        on
            cells.campaign_id = weakest_step.campaign_id
            and cells.segment_id = weakest_step.segment_id
            and cells.channel_id = weakest_step.channel_id
            and weakest_step.weakness_order = 1

)

select * from final
