with performance as (

    select * from {{ ref('int_performance_daily') }}

),

experiments as (

    select * from {{ ref('stg_experiments') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

campaigns as (

    select * from {{ ref('stg_campaigns') }}

),

-- All rows of an asset's day share the days since its row before, in whatever experiment.
recorded_days as (

    select
        performance.asset_id,
        performance.recorded_date,
        min(coalesce(experiments.start_date, cast('0001-01-01' as date))) as experiment_start_date
    from performance
    left join experiments using (experiment_id)
    group by performance.asset_id, performance.recorded_date

),

since_the_day_before as (

    select
        *,
        lag(recorded_date) over (partition by asset_id order by recorded_date) as previous_date
    from recorded_days

),

-- The first row has none before it; it covers at least its own day.
since_its_start as (

    select
        days.asset_id,
        days.recorded_date,
        coalesce(
            {{ add_days('days.previous_date', 1) }},
            least(
                greatest(days.experiment_start_date, campaigns.start_date, cast(assets.created_at as date)),
                days.recorded_date
            )
        ) as covered_from
    from since_the_day_before as days
    inner join assets using (asset_id)
    inner join campaigns using (campaign_id)

),

final as (

    select
        asset_id,
        recorded_date,
        covered_from,
        cast({{ days_between('covered_from', 'recorded_date') }} + 1 as integer) as days_covered
    from since_its_start

)

select * from final
