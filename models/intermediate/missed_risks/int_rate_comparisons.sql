{#- Sums over the paired reports up to each. -#}
{%- set sums = {
    'own_weight': 'own_term',
    'other_weight': 'other_term',
    'variance': 'variance_term',
    'expected_own_successes': '(own_successes + other_successes) * own_trials / trials',
    'expected_other_successes': '(own_successes + other_successes) * other_trials / trials',
    'own_trials': 'own_trials',
    'own_successes': 'own_successes',
    'other_trials': 'other_trials',
    'other_successes': 'other_successes',
    'other_squares': 'other_successes * other_successes / other_trials',
} -%}
{%- set squares = {
    'squared_own_terms': 'own_term * own_term',
    'products': 'own_term * other_term',
    'squared_other_terms': 'other_term * other_term',
} -%}

with reports as (

    select * from {{ ref('int_paired_reports') }}

),

trials as (

    select
        *,
        own_trials + other_trials as trials
    from reports
    where
        own_trials > 0
        and other_trials > 0

),

-- As derived in docs/decisions.md for the arms of an experiment.
terms as (

    select
        *,
        own_successes * other_trials / trials as own_term,
        other_successes * own_trials / trials as other_term,
        (own_successes + other_successes) * own_trials * other_trials / (trials * trials)
        - own_successes * other_successes / trials as variance_term
    from trials

),

sums_so_far as (

    select
        asset_id,
        reported_on,
        max(known_at) over up_to_report as known_at,
        covered_from,
        min(covered_from) over up_to_report as facts_from,
        cast(sum(days_covered) over up_to_report as bigint) as days_covered,
        {%- for name, term in sums.items() %}
        cast(sum(cast({{ term }} as decimal(38, 18))) over up_to_report as double) as {{ name }},
        {%- endfor %}
        {%- for name, term in squares.items() %}
        cast(sum(cast({{ term }} as decimal(38, 12))) over up_to_report as double) as {{ name }},
        {%- endfor %}
        count(*) over up_to_report as reports
    from terms
    window up_to_report as (partition by asset_id order by reported_on)

),

ratios as (

    select
        *,
        case when own_weight > 0 and other_weight > 0 then own_weight / other_weight end as ratio
    from sums_so_far

),

-- Days vary more than binomial counts. For an asset without a success only the others' days show how much.
final as (

    select
        asset_id,
        reported_on,
        known_at,
        facts_from,
        covered_from,
        reports,
        days_covered,
        own_weight,
        other_weight,
        variance,
        least(expected_own_successes, expected_other_successes) as expected_successes,
        own_trials,
        own_successes,
        other_trials,
        other_successes,
        greatest(
            coalesce(
                {{ variation_beyond_chance(
                    'reports', 'variance', 'squared_own_terms', 'products', 'squared_other_terms', 'ratio'
                ) }},
                (other_squares - other_successes * other_successes / other_trials) / nullif(
                    other_successes / other_trials * (1 - other_successes / other_trials) * (reports - 1), 0
                ),
                1
            ),
            1
        ) as inflation
    from ratios

)

select * from final
