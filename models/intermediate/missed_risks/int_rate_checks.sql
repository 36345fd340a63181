with comparisons as (

    select * from {{ ref('int_rate_comparisons') }}

),

definitions as (

    select * from {{ ref('risk_definitions') }}
    where definition = 'low_conversion_rate'

),

-- Tuned to a rate of the limit squared; with 2.8 standard errors a fixed test has a power of 0.8.
measured as (

    select
        comparisons.*,
        definitions.definition,
        definitions.level,
        definitions.minimum_sample,
        definitions.limit_value * comparisons.other_weight as weight_at_limit,
        (comparisons.own_weight - definitions.limit_value * comparisons.other_weight)
        / nullif(sqrt(definitions.limit_value * comparisons.inflation * greatest(comparisons.variance, 0)), 0) as z,
        (-2 * ln(definitions.level) + ln(1 - 2 * ln(definitions.level)))
        * comparisons.variance * ln(definitions.limit_value) * ln(definitions.limit_value) / (2.8 * 2.8) as u
    from comparisons
    cross join definitions

),

judged as (

    select
        *,
        {{ sequential_p_value('z', 'u') }} as p_value,
        coalesce(
            reports >= {{ var('experiment_minimum_rows') }}
            and days_covered >= {{ var('experiment_minimum_days') }}
            and expected_successes >= minimum_sample,
            false
        ) as is_enough
    from measured

),

final as (

    select
        definition,
        asset_id,
        reported_on as checked_on,
        known_at as checked_at,
        facts_from,
        covered_from,
        coalesce(is_enough and own_weight < weight_at_limit and p_value < level, false) as is_met,
        coalesce(is_enough and own_weight > weight_at_limit and p_value < level, false) as is_refuted,
        cast(cast(own_successes as bigint) as string) || ' conversions from '
        || cast(cast(own_trials as bigint) as string) || ' impressions, the rest of its channel in the same days '
        || cast(cast(other_successes as bigint) as string) || ' from '
        || cast(cast(other_trials as bigint) as string) as fact
    from judged

)

select * from final
