-- Which variants won, which experiments are broken, and which must run on?
select
    experiment_label,
    metric_label,
    health,
    verdict,
    relative_lift,
    lift_ci_low,
    lift_ci_high,
    p_value,
    trials_missing,
    is_interim,
    unhealthy_reasons
from {{ ref('experiment_results') }}
order by
    case verdict
        when 'scale_variant' then 1
        when 'fix_experiment' then 2
        when 'keep_control' then 3
        when 'stop' then 4
        else 5
    end,
    experiment_id
