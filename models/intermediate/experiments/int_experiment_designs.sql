with experiments as (

    select * from {{ ref('stg_experiments') }}

),

designs as (

    select * from {{ ref('experiment_designs') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- An end declared when there was data to see, or an end before the start, is ignored.
known_designs as (

    select
        experiments.experiment_id,
        designs.planned_variant_share,
        case
            when experiments.start_date between designs.declared_on and designs.planned_end_date
                then designs.planned_end_date
        end as planned_end_date,
        case when designs.declared_on <= experiments.start_date then designs.planned_sample end as planned_sample
    from experiments
    cross join as_of
    left join designs
        on
            experiments.experiment_id = designs.experiment_id
            and as_of.as_of_date >= designs.declared_on

),

final as (

    select
        experiment_id,
        coalesce(planned_variant_share, 0.5) as planned_variant_share,
        planned_end_date,
        planned_sample,
        planned_end_date is not null or planned_sample is not null as has_declared_end
    from known_designs

)

select * from final
