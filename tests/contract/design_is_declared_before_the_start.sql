{{ config(
    severity='warn',
    description='A design that was declared after its experiment started ends nothing: its planned end and sample are not relied on.',
) }}

select
    designs.*,
    experiments.start_date
from {{ ref('experiment_designs') }} as designs
inner join {{ ref('stg_experiments') }} as experiments using (experiment_id)
where designs.declared_on > experiments.start_date
