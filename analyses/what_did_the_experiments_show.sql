-- Which variants won, which experiments are broken, and which must continue?
select
    experiment_label,
    metric_label,
    health,
    verdict,
    relative_lift,
    sequential_ci_low,
    sequential_ci_high,
    guardrail_status,
    days_needed,
    cautions,
    unhealthy_reasons
from {{ ref('experiment_results') }}
order by
    case verdict
        when 'scale_variant' then 1
        when 'discuss' then 2
        when 'fix_experiment' then 3
        when 'stop_futile' then 4
        when 'keep_control' then 5
        else 6
    end,
    experiment_id
