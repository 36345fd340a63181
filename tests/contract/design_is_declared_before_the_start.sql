{{ config(
    severity='warn',
    description="A design whose declared_on is after its experiment's start ends nothing: its planned end and sample are
        not relied on.",
) }}

select
    designs.*,
    experiments.start_date
from {{ ref('experiment_designs') }} as designs
inner join {{ ref('stg_experiments') }} as experiments using (experiment_id)
where designs.declared_on > experiments.start_date
