with verdicts as (

    select * from {{ ref('int_experiment_verdicts') }}

),

compared_with_day_before as (

    select
        *,
        lag(verdict) over (partition by experiment_id order by judged_on) as previous_verdict,
        row_number() over (partition by experiment_id order by judged_on desc) as recency
    from verdicts

),

-- A verdict is the same since its last change.
verdict_changes as (

    select
        experiment_id,
        max(judged_on) as verdict_since
    from compared_with_day_before
    where verdict is distinct from previous_verdict
    group by experiment_id

),

newest_verdicts as (

    select
        *,
        case when health <> 'unhealthy' then decision_p_value end as healthy_p_value
    from compared_with_day_before
    where recency = 1

),

-- Among many experiments, some look decided by chance: Benjamini and Hochberg.
ranked as (

    select
        experiment_id,
        healthy_p_value * count(*) over () / row_number() over (
            order by healthy_p_value, experiment_id
        ) as p_value_by_rank,
        healthy_p_value
    from newest_verdicts
    where healthy_p_value is not null

),

discovery_rates as (

    select
        experiment_id,
        least(
            min(p_value_by_rank) over (
                order by healthy_p_value desc, experiment_id desc
                rows between unbounded preceding and current row
            ),
            1
        ) as q_value
    from ranked

),

final as (

    select
        newest_verdicts.*,
        verdict_changes.verdict_since,
        discovery_rates.q_value
    from newest_verdicts
    inner join verdict_changes
        on newest_verdicts.experiment_id = verdict_changes.experiment_id
    left join discovery_rates
        on newest_verdicts.experiment_id = discovery_rates.experiment_id

)

select * from final
