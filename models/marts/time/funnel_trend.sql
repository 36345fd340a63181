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

-- Days of a week on which the same stages were measured are one row: what follows reads few.
weeks as (

    select
        daily.campaign_id,
        daily.segment_id,
        daily.channel_id,
        dates.week_start,
        dates.is_week_complete,
        {%- for stage in var('funnel_stages') %}
        sum(daily.{{ stage }}_count) as {{ stage }}_count,
        {%- endfor %}
        count(*) as day_count
    from daily
    inner join dates
        on daily.event_date = dates.date_day
    group by
        {%- for stage in var('funnel_stages') %}
        daily.{{ stage }}_count is null,
        {%- endfor %}
        daily.campaign_id,
        daily.segment_id,
        daily.channel_id,
        dates.week_start,
        dates.is_week_complete

),

counted_steps as (

    select
        weeks.*,
        steps.campaign_name,
        steps.segment_name,
        steps.channel_label,
        steps.stage_order,
        steps.previous_stage,
        steps.stage,
        {{ stage_count('steps.previous_stage') }} as previous_stage_count,
        {{ stage_count('steps.stage') }} as stage_count
    from weeks
    inner join steps using (campaign_id, segment_id, channel_id)

),

weekly_steps as (

    select
        campaign_id,
        segment_id,
        channel_id,
        week_start,
        is_week_complete,
        campaign_name,
        segment_name,
        channel_label,
        previous_stage,
        stage,
        stage_order,
        sum(day_count) as measured_days,
        sum(previous_stage_count) as previous_stage_count,
        sum(stage_count) as compared_count
    from counted_steps
    -- Only days on which both stages were measured can be compared.
    where previous_stage_count + stage_count is not null
    group by
        campaign_id,
        segment_id,
        channel_id,
        week_start,
        is_week_complete,
        campaign_name,
        segment_name,
        channel_label,
        previous_stage,
        stage,
        stage_order

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

final as (

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
        cast(this_week.measured_days as integer) as measured_days,
        cast(this_week.previous_stage_count as bigint) as previous_stage_count,
        cast(this_week.compared_count as bigint) as compared_count,
        this_week.step_conversion_rate,
        this_week.ci_low,
        this_week.ci_high,
        week_before.step_conversion_rate as prior_step_conversion_rate,
        week_before.ci_low as prior_ci_low,
        week_before.ci_high as prior_ci_high,
        case
            when
                this_week.is_week_complete
                and this_week.measured_days >= {{ var('week_minimum_days') }}
                and week_before.measured_days >= {{ var('week_minimum_days') }}
                then this_week.step_conversion_rate - week_before.step_conversion_rate
        end as step_conversion_rate_change
    from rated_steps as this_week
    left join rated_steps as week_before
        on
            this_week.campaign_id = week_before.campaign_id
            and this_week.segment_id = week_before.segment_id
            and this_week.channel_id = week_before.channel_id
            and this_week.stage = week_before.stage
            and this_week.week_start = week_before.next_week_start

)

select * from final
