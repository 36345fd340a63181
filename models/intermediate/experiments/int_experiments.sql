with experiments as (

    select * from {{ ref('stg_experiments') }}

),

performance as (

    select * from {{ ref('int_performance_daily') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

measured_experiments as (

    select experiment_id from performance
    where experiment_id is not null
    group by experiment_id

),

-- With the as-of at the latest event, an experiment exported as over is over, whatever end was planned, and one with
-- data has begun. With an earlier as-of, the dates decide the status.
final as (

    select
        experiments.experiment_id,
        experiments.campaign_id,
        experiments.control_asset_id,
        experiments.variant_asset_id,
        experiments.experiment_type,
        experiments.metric,
        case
            when
                as_of.covers_all_events
                and (experiments.status = 'completed' or measured_experiments.experiment_id is not null)
                then experiments.status
            when experiments.start_date > as_of.as_of_date then 'planned'
            when experiments.end_date > as_of.as_of_date and not as_of.covers_all_events then 'running'
            else experiments.status
        end as status,
        experiments.start_date,
        -- A future end was not known.
        case when experiments.end_date <= as_of.as_of_date then experiments.end_date end as end_date
    from experiments
    cross join as_of
    left join measured_experiments
        on experiments.experiment_id = measured_experiments.experiment_id

)

select * from final
