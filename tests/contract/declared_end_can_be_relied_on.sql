{{ config(
    severity='warn',
    description='A planned end is ignored where declared_on is after the start of the experiment, or planned_end_date
        before it.',
) }}

select
    designs.*,
    experiments.start_date
from {{ ref('experiment_designs') }} as designs
inner join {{ ref('stg_experiments') }} as experiments using (experiment_id)
where
    designs.planned_end_date < experiments.start_date
    or (
        designs.declared_on > experiments.start_date
        and (designs.planned_end_date is not null or designs.planned_sample is not null)
    )
