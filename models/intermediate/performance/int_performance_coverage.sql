with performance as (

    select * from {{ ref('int_performance_daily') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

campaigns as (

    select * from {{ ref('stg_campaigns') }}

),

experiments as (

    select * from {{ ref('stg_experiments') }}

),

asset_days as (

    select
        performance.asset_id,
        performance.recorded_date,
        -- A row outside any experiment can cover days before an experiment's start.
        case
            when count(experiments.experiment_id) = count(*) then min(experiments.start_date)
        end as experiment_start_date
    from performance
    left join experiments using (experiment_id)
    group by performance.asset_id, performance.recorded_date

),

previous_days as (

    select
        *,
        lag(recorded_date) over (partition by asset_id order by recorded_date) as previous_date
    from asset_days

),

coverage as (

    select
        previous_days.asset_id,
        previous_days.recorded_date,
        coalesce(
            {{ add_days('previous_days.previous_date', 1) }},
            -- An asset's first row can't cover days before any of these. Nulls are skipped.
            least(
                greatest(
                    previous_days.experiment_start_date,
                    campaigns.start_date,
                    cast(assets.created_at as date)
                ),
                previous_days.recorded_date
            )
        ) as covered_from
    from previous_days
    inner join assets using (asset_id)
    inner join campaigns using (campaign_id)

),

final as (

    select
        asset_id,
        recorded_date,
        covered_from,
        cast({{ days_between('covered_from', 'recorded_date') }} + 1 as integer) as days_covered
    from coverage

)

select * from final
