with daily as (

    select * from {{ ref('int_funnel_daily') }}

),

steps as (

    select * from {{ ref('funnel_conversion') }}
    where previous_stage is not null

),

dates as (

    select * from {{ ref('dim_date') }}

),

step_days as (

    select
        daily.event_date,
        steps.campaign_id,
        steps.segment_id,
        steps.channel_id,
        steps.campaign_name,
        steps.segment_name,
        steps.channel_label,
        steps.previous_stage,
        steps.stage,
        steps.stage_order,
        {{ stage_count('steps.previous_stage', 'daily.') }} as previous_stage_count,
        {{ stage_count('steps.stage', 'daily.') }} as stage_count
    from daily
    inner join steps
        on
            daily.campaign_id = steps.campaign_id
            and daily.segment_id = steps.segment_id
            and daily.channel_id = steps.channel_id

),

weekly_steps as (

    select
        step_days.campaign_id,
        step_days.segment_id,
        step_days.channel_id,
        dates.week_start,
        dates.is_week_complete,
        step_days.campaign_name,
        step_days.segment_name,
        step_days.channel_label,
        step_days.previous_stage,
        step_days.stage,
        step_days.stage_order,
        count(*) as measured_days,
        sum(step_days.previous_stage_count) as previous_stage_count,
        sum(step_days.stage_count) as compared_count,
        count(case when step_days.previous_stage_count > 0 then 1 end) as days,
        {{ effective_days('step_days.previous_stage_count') }} as effective_days,
        {{ day_variation('step_days.stage_count', 'step_days.previous_stage_count') }} as day_variation
    from step_days
    inner join dates
        on step_days.event_date = dates.date_day
    -- Only days on which both stages were measured can be compared.
    where step_days.previous_stage_count + step_days.stage_count is not null
    group by
        step_days.campaign_id,
        step_days.segment_id,
        step_days.channel_id,
        dates.week_start,
        dates.is_week_complete,
        step_days.campaign_name,
        step_days.segment_name,
        step_days.channel_label,
        step_days.previous_stage,
        step_days.stage,
        step_days.stage_order

),

rated_steps as (

    select
        *,
        {{ rate('compared_count', 'previous_stage_count') }} as step_conversion_rate,
        {{ wilson_bound('compared_count', 'previous_stage_count', 'low') }} as ci_low,
        {{ wilson_bound('compared_count', 'previous_stage_count', 'high') }} as ci_high,
        {{ add_days('week_start', 7) }} as next_week_start
    from weekly_steps

),

step_pairs as (

    select
        this_week.campaign_id,
        this_week.segment_id,
        this_week.channel_id,
        this_week.week_start,
        this_week.campaign_name,
        this_week.segment_name,
        this_week.channel_label,
        this_week.previous_stage,
        this_week.stage,
        this_week.stage_order,
        this_week.is_week_complete,
        this_week.measured_days,
        this_week.step_conversion_rate,
        this_week.ci_low,
        this_week.ci_high,
        week_before.step_conversion_rate as prior_step_conversion_rate,
        week_before.ci_low as prior_ci_low,
        week_before.ci_high as prior_ci_high,
        this_week.is_week_complete
        and this_week.measured_days >= {{ var('week_minimum_days') }}
        and week_before.measured_days >= {{ var('week_minimum_days') }} as is_comparable,
        this_week.compared_count as successes,
        this_week.previous_stage_count as trials,
        week_before.compared_count as prior_successes,
        week_before.previous_stage_count as prior_trials,
        this_week.days + week_before.days as days,
        this_week.effective_days + week_before.effective_days as effective_days,
        this_week.day_variation + week_before.day_variation as day_variation
    from rated_steps as this_week
    left join rated_steps as week_before
        on
            this_week.campaign_id = week_before.campaign_id
            and this_week.segment_id = week_before.segment_id
            and this_week.channel_id = week_before.channel_id
            and this_week.stage = week_before.stage
            and this_week.week_start = week_before.next_week_start

),

final as (

    select
        campaign_id,
        segment_id,
        channel_id,
        week_start,
        campaign_name,
        segment_name,
        channel_label,
        previous_stage,
        stage,
        stage_order,
        is_week_complete,
        cast(measured_days as integer) as measured_days,
        cast(trials as bigint) as previous_stage_count,
        cast(successes as bigint) as compared_count,
        step_conversion_rate,
        ci_low,
        ci_high,
        prior_step_conversion_rate,
        prior_ci_low,
        prior_ci_high,
        case when is_comparable then rate_ratio - 1 end as step_conversion_rate_change,
        trend_ci_low as change_ci_low,
        trend_ci_high as change_ci_high,
        is_beyond_noise,
        case
            when is_beyond_noise and step_conversion_rate > prior_step_conversion_rate then 'improved'
            when is_beyond_noise then 'worsened'
            when is_enough_to_tell then 'unclear'
            else 'not_enough'
        end as step_trend
    from {{ judged_trends('step_pairs') }} as trends

)

select * from final
