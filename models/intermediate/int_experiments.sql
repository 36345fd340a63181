with experiments as (

    select * from {{ ref('stg_experiments') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

final as (

    select
        experiments.experiment_id,
        experiments.campaign_id,
        experiments.control_asset_id,
        experiments.variant_asset_id,
        experiments.experiment_type,
        experiments.metric,
        case
            when experiments.start_date > as_of.as_of_date then 'planned'
            when experiments.end_date > as_of.as_of_date then 'running'
            else experiments.status
        end as status,
        experiments.start_date,
        -- An end that is still to come was not known.
        case when experiments.end_date <= as_of.as_of_date then experiments.end_date end as end_date
    from experiments
    cross join as_of

)

select * from final
