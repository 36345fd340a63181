with weeks as (

    select * from {{ ref('int_performance_weekly') }}
    where
        member_kind = 'channel'
        and is_week_complete

),

newest_week as (

    select max(week_start) as week_start
    from weeks

),

final as (

    select
        {{ add_days('week_start', -7 * (var('next_budget_weeks') - 1)) }} as window_start,
        {{ add_days('week_start', 6) }} as window_end
    from newest_week

)

select * from final
