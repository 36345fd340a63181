{#- Sums over the paired days up to each day. -#}
{%- set sums = {
    'weighted_variant': 'variant_term',
    'weighted_control': 'control_term',
    'binomial_variance': 'variance_term',
    'weight': 'variant_trials * control_trials / trials',
    'expected_variant_successes': 'expected_variant_successes',
    'expected_control_successes': 'expected_control_successes',
    'control_trials': 'control_trials',
    'control_successes': 'control_successes',
    'variant_trials': 'variant_trials',
    'variant_successes': 'variant_successes',
} -%}
{%- set squares = {
    'squared_differences': '(variant_term - control_term) * (variant_term - control_term)',
    'squared_control_terms': 'control_term * control_term',
    'products': '(variant_term - control_term) * control_term',
} -%}

with days as (

    select * from {{ ref('int_experiment_comparison_days') }}

),

designs as (

    select * from {{ ref('int_experiment_designs') }}

),

paired_days as (

    select
        days.*,
        designs.has_declared_end,
        designs.planned_sample,
        case when days.is_paired then days.variant_trials + days.control_trials end as trials,
        case when days.is_paired then days.days_covered else 0 end as days_covered_by_pair
    from days
    inner join designs using (experiment_id)

),

-- Within a day both arms meet the same people (Mantel-Haenszel). A day with one arm says nothing of the other: its
-- terms are null.
terms as (

    select
        *,
        variant_successes * control_trials / trials as variant_term,
        control_successes * variant_trials / trials as control_term,
        -- Money has no failures.
        (
            variant_successes * variant_trials * case
                when is_per_cost then control_trials
                else control_trials - control_successes
            end
            + control_successes * control_trials * case
                when is_per_cost then variant_trials
                else variant_trials - variant_successes
            end
        ) / (trials * trials) as variance_term,
        -- Expected successes if the arms were equal; for cost, observed ones.
        case
            when is_per_cost then variant_successes
            else (variant_successes + control_successes) * variant_trials / trials
        end as expected_variant_successes,
        case
            when is_per_cost then control_successes
            else (variant_successes + control_successes) * control_trials / trials
        end as expected_control_successes
    from paired_days

),

final as (

    select
        experiment_id,
        comparison,
        judged_on,
        is_per_cost,
        has_declared_end,
        planned_sample,
        variance_term,
        days_covered_by_pair,
        -- Sums of decimals do not depend on the order; squares need more digits before the point.
        {%- for name, term in sums.items() %}
        cast(
            sum(case when is_paired then cast({{ term }} as decimal(38, 18)) end) over so_far as double
        ) as {{ name }},
        {%- endfor %}
        {%- for name, term in squares.items() %}
        cast(
            sum(case when is_paired then cast({{ term }} as decimal(38, 12)) end) over so_far as double
        ) as {{ name }},
        {%- endfor %}
        cast(sum(case when is_paired then 1 else 0 end) over so_far as double) as paired_rows,
        cast(sum(days_covered_by_pair) over so_far as bigint) as days_covered
    from terms
    window so_far as (partition by experiment_id, comparison order by judged_on)

)

select * from final
