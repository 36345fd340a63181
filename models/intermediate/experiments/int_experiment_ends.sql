with statistics as (

    select * from {{ ref('int_experiment_statistics') }}

),

days as (

    select * from {{ ref('int_experiment_comparison_days') }}
    where comparison = 'metric'

),

designs as (

    select * from {{ ref('int_experiment_designs') }}
    where has_declared_end

),

-- Only data can reach a declared end: a row of each arm on its date or later ...
dates_reached as (

    select
        designs.experiment_id,
        greatest(
            min(case when days.control_trials > 0 then days.judged_on end),
            min(case when days.variant_trials > 0 then days.judged_on end)
        ) as reached_on
    from designs
    inner join days
        on
            designs.experiment_id = days.experiment_id
            and designs.planned_end_date <= days.judged_on
    group by designs.experiment_id
    having
        count(case when days.control_trials > 0 then 1 end) > 0
        and count(case when days.variant_trials > 0 then 1 end) > 0

),

-- ... or, without a declared date, the full sample.
samples_filled as (

    select
        designs.experiment_id,
        min(statistics.judged_on) as reached_on
    from designs
    inner join statistics
        on
            designs.experiment_id = statistics.experiment_id
            and statistics.comparison = 'metric'
            and designs.planned_sample <= statistics.control_trials + statistics.variant_trials
    where designs.planned_end_date is null
    group by designs.experiment_id

),

final as (

    select
        designs.experiment_id,
        coalesce(dates_reached.reached_on, samples_filled.reached_on) as reached_on,
        coalesce(designs.planned_end_date, samples_filled.reached_on) as last_day
    from designs
    left join dates_reached
        on designs.experiment_id = dates_reached.experiment_id
    left join samples_filled
        on designs.experiment_id = samples_filled.experiment_id
    where coalesce(dates_reached.reached_on, samples_filled.reached_on) is not null

)

select * from final
