with steps as (

    select * from {{ ref('int_funnel_steps') }}

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

portfolio_steps as (

    select
        previous_stage,
        stage,
        sum(compared_count) as compared_count,
        sum(previous_stage_count) as previous_stage_count
    from steps
    where previous_stage is not null
    group by previous_stage, stage

),

rated_steps as (

    select
        steps.*,
        {{ rate('portfolio_steps.compared_count', 'portfolio_steps.previous_stage_count') }} as portfolio_step_rate,
        {{ rate(
            '(portfolio_steps.compared_count - coalesce(steps.compared_count, 0))',
            '(portfolio_steps.previous_stage_count - coalesce(steps.previous_stage_count, 0))'
        ) }} as elsewhere_step_rate,
        {{ rate('steps.compared_count', 'steps.previous_stage_count') }} as step_conversion_rate,
        case
            when steps.stage = steps.entry_stage then {{ rate('steps.stage_count', 'steps.stage_count') }}
            else {{ rate('steps.compared_with_entry_count', 'steps.entry_count') }}
        end as cumulative_conversion_rate,
        {{ wilson_bound('steps.compared_count', 'steps.previous_stage_count', 'low') }} as ci_low,
        {{ wilson_bound('steps.compared_count', 'steps.previous_stage_count', 'high') }} as ci_high
    from steps
    left join portfolio_steps
        on
            steps.previous_stage = portfolio_steps.previous_stage
            and steps.stage = portfolio_steps.stage

),

compared_steps as (

    select
        *,
        previous_stage_count - compared_count as dropped_count,
        previous_stage_count >= {{ var('funnel_minimum_previous_count') }} as is_enough_to_judge,
        ci_high < {{ var('weak_step_ratio') }} * elsewhere_step_rate as is_below_elsewhere
    from rated_steps

),

classified_steps as (

    select
        *,
        case
            -- Without a shared day the step is not measured.
            when measured_days = 0 then 'not_measured'
            when previous_stage is null then 'entry'
            when compared_count > previous_stage_count then 'anomalous'
            when previous_stage_count = 0 then 'no_traffic'
            -- Where nobody passes the step elsewhere either, there is nothing to compare with.
            when
                is_enough_to_judge
                and compared_count = 0
                and (is_below_elsewhere or coalesce(elsewhere_step_rate, 0) = 0)
                then 'blocked'
            when is_enough_to_judge and is_below_elsewhere then 'weak'
            else 'healthy'
        end as drop_off_status
    from compared_steps

),

final as (

    select
        steps.campaign_id,
        steps.segment_id,
        steps.channel_id,
        campaigns.campaign_name,
        segments.segment_name,
        channels.channel_label,
        steps.stage,
        steps.stage_order,
        steps.stage_count,
        steps.trusted_count,
        steps.measured_days,
        steps.previous_stage,
        steps.previous_stage_count,
        steps.compared_count,
        steps.step_conversion_rate,
        steps.portfolio_step_rate,
        steps.elsewhere_step_rate,
        steps.cumulative_conversion_rate,
        steps.dropped_count,
        steps.ci_low,
        steps.ci_high,
        steps.confidence,
        steps.drop_off_status
    from classified_steps as steps
    inner join campaigns using (campaign_id)
    inner join segments using (segment_id)
    inner join channels using (channel_id)

)

select * from final
