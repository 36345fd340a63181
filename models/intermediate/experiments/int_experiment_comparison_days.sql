{%- set arms = ['control', 'variant'] -%}

with experiments as (

    select * from {{ ref('int_experiments') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

days as (

    select * from {{ ref('int_experiment_days') }}

),

kpi_definitions as (

    select * from {{ ref('kpi_definitions') }}

),

-- The metric decides; the others are guardrails.
compared_kpis as (

    select
        experiment_id,
        'metric' as comparison,
        metric as kpi
    from experiments

    union all

    select
        experiments.experiment_id,
        'primary_kpi' as comparison,
        campaigns.primary_kpi as kpi
    from experiments
    inner join campaigns using (campaign_id)
    where campaigns.primary_kpi <> experiments.metric

),

counts as (

    select
        days.experiment_id,
        compared_kpis.comparison,
        days.judged_on,
        {%- for arm in arms %}
        cast({{ measure_value('kpi_definitions.numerator', 'days.' ~ arm ~ '_') }} as bigint) as {{ arm }}_successes,
        cast({{ measure_value('kpi_definitions.denominator', 'days.' ~ arm ~ '_') }} as bigint) as {{ arm }}_trials,
        {%- endfor %}
        days.days_covered
    from days
    inner join compared_kpis using (experiment_id)
    left join kpi_definitions using (kpi)

),

excess_so_far as (

    select
        *,
        {%- for arm in arms %}
        sum({{ arm }}_successes - {{ arm }}_trials) over so_far as {{ arm }}_excess_so_far,
        {%- endfor %}
        row_number() over so_far as day_number
    from counts
    window so_far as (partition by experiment_id, comparison order by judged_on)

),

-- Late successes come from people of earlier days, so successes above a day's trials move to earlier days.
moved_back as (

    select
        experiment_id,
        comparison,
        judged_on,
        {%- for arm in arms %}
        {{ arm }}_trials,
        {{ arm }}_successes,
        greatest(
            max({{ arm }}_excess_so_far) over from_here
            - ({{ arm }}_excess_so_far - {{ arm }}_successes + {{ arm }}_trials),
            0
        ) as {{ arm }}_moved_to_before,
        {%- endfor %}
        days_covered,
        day_number
    from excess_so_far
    window from_here as (
        partition by experiment_id, comparison
        order by judged_on
        rows between current row and unbounded following
    )

),

placed as (

    select
        experiment_id,
        comparison,
        judged_on,
        {%- for arm in arms %}
        cast({{ arm }}_trials as double) as {{ arm }}_trials,
        cast(
            {{ arm }}_successes - {{ arm }}_moved_to_before + coalesce(lead({{ arm }}_moved_to_before) over by_day, 0)
            as double
        ) as {{ arm }}_successes,
        case when day_number = 1 then {{ arm }}_moved_to_before else 0 end as {{ arm }}_left_over,
        {%- endfor %}
        days_covered
    from moved_back
    window by_day as (partition by experiment_id, comparison order by judged_on)

),

-- Conversions per money: cost takes the place of trials, and is not a count.
final as (

    select
        experiment_id,
        comparison,
        judged_on,
        days_covered,
        control_trials,
        control_successes,
        variant_trials,
        variant_successes,
        cast(control_left_over + variant_left_over as bigint) as successes_left_over,
        control_trials > 0 and variant_trials > 0 as is_paired,
        false as is_per_cost
    from placed

    union all

    select
        experiment_id,
        'cost_per_conversion' as comparison,
        judged_on,
        days_covered,
        cast(control_cost as double) as control_trials,
        cast(control_conversions as double) as control_successes,
        cast(variant_cost as double) as variant_trials,
        cast(variant_conversions as double) as variant_successes,
        cast(0 as bigint) as successes_left_over,
        control_cost > 0 and variant_cost > 0 as is_paired,
        true as is_per_cost
    from days

)

select * from final
