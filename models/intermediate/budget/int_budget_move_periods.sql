with windows as (

    select * from {{ ref('int_budget_move_windows') }}

),

channel_days as (

    select * from {{ ref('int_budget_channel_days') }}

),

moves as (

    select * from windows
    where direction = 'from'

),

-- A row's figures are spread evenly over its days, so a row that covers the day of the move mixes before and after.
window_days as (

    select
        moves.budget_action_id,
        channel_days.channel_id,
        case when channel_days.day < moves.effective_date then 'before' else 'after' end as period,
        channel_days.day,
        channel_days.spend,
        channel_days.impressions,
        channel_days.conversions,
        channel_days.longest_row_days
    from moves
    inner join channel_days
        on
            moves.campaign_id = channel_days.campaign_id
            and channel_days.is_reported_by_all
            and (
                (moves.before_start <= channel_days.day and moves.effective_date > channel_days.covered_until)
                or (moves.after_end >= channel_days.day and moves.effective_date < channel_days.covered_from)
            )

),

-- With the mean rounded to a millionth, so that equal days differ from it by exactly 0.
deviating_days as (

    select
        *,
        spend - cast({{ rate('sum(spend) over of_period', 'count(*) over of_period') }} as decimal(18, 6)) as deviation
    from window_days
    window of_period as (partition by budget_action_id, channel_id, period)

),

-- The days of a row are one report, and each counts as its part of it; days of unequal size count as in Kish (1965).
final as (

    select
        budget_action_id,
        channel_id,
        period,
        cast(count(*) as integer) as days_covered,
        cast(sum(spend) as decimal(18, 6)) as spend,
        cast(sum(impressions) as bigint) as impressions,
        cast(sum(conversions) as bigint) as conversions,
        cast(sum(cast({{ rate('1', 'longest_row_days') }} as decimal(38, 18))) as double) as report_count,
        cast(sum(cast(
            case when impressions > 0 then {{ rate('1', 'longest_row_days') }} else 0 end as decimal(38, 18)
        )) as double) as rated_report_count,
        greatest(
            cast(sum(cast(cast(deviation as double) * deviation as decimal(38, 12))) as double)
            - cast(sum(deviation) as double) * cast(sum(deviation) as double) / count(*),
            0
        ) as spend_variation,
        {{ day_variation('conversions', 'impressions') }} as rate_variation,
        cast(sum(impressions) as double) * cast(sum(impressions) as double) / nullif(
            cast(sum(
                cast(cast(impressions as double) * impressions * longest_row_days as decimal(38, 0))
            ) as double),
            0
        ) as effective_report_count
    from deviating_days
    group by budget_action_id, channel_id, period

)

select * from final
