with experiments as (

    select * from {{ ref('int_experiments') }}

),

performance as (

    select * from {{ ref('int_performance') }}
    where experiment_id is not null

),

kpi_definitions as (

    select * from {{ ref('kpi_definitions') }}

),

arms as (

    select
        experiment_id,
        metric,
        start_date,
        end_date,
        'control' as arm,
        control_asset_id as asset_id
    from experiments

    union all

    select
        experiment_id,
        metric,
        start_date,
        end_date,
        'variant' as arm,
        variant_asset_id as asset_id
    from experiments

),

arm_totals as (

    select
        arms.experiment_id,
        arms.arm,
        arms.asset_id,
        arms.metric,
        coalesce(sum(performance.impressions), 0) as impressions,
        coalesce(sum(performance.clicks), 0) as clicks,
        coalesce(sum(performance.conversions), 0) as conversions,
        count(case
            when
                performance.recorded_date < arms.start_date
                or performance.recorded_date > arms.end_date
                then 1
        end) as rows_outside_dates
    from arms
    left join performance
        on
            arms.experiment_id = performance.experiment_id
            and arms.asset_id = performance.asset_id
    group by arms.experiment_id, arms.arm, arms.asset_id, arms.metric

),

final as (

    select
        arm_totals.experiment_id,
        arm_totals.arm,
        arm_totals.asset_id,
        cast({{ measure_value('kpi_definitions.numerator') }} as bigint) as successes,
        cast({{ measure_value('kpi_definitions.denominator') }} as bigint) as trials,
        cast(arm_totals.rows_outside_dates as bigint) as rows_outside_dates
    from arm_totals
    left join kpi_definitions
        on arm_totals.metric = kpi_definitions.kpi

)

select * from final
