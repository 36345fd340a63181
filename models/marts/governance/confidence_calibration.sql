{%- set all_only = [
    'brier_score', 'brier_ci_low', 'brier_ci_high', 'reliability', 'reliability_ci_low', 'reliability_ci_high',
    'resolution', 'resolution_ci_low', 'resolution_ci_high', 'uncertainty', 'uncertainty_ci_low', 'uncertainty_ci_high'
] -%}

with scores as (

    select * from {{ ref('int_confidence_scores') }}

),

tests as (

    select * from {{ ref('int_calibration_tests') }}

),

brier_parts as (

    select * from {{ ref('int_brier_parts') }}

),

bucket_totals as (

    select
        bucket,
        bucket_low,
        bucket_high,
        count(*) as decisions,
        cast(sum(has_stood) as bigint) as stood,
        cast(sum(cast(confidence as decimal(38, 18))) as double) as confidence
    from scores
    where bucket <> 'all'
    group by bucket, bucket_low, bucket_high

),

-- The row `all` exists even without a decision.
totals as (

    select
        bucket,
        bucket_low,
        bucket_high,
        decisions,
        stood,
        confidence
    from bucket_totals

    union all

    select
        'all' as bucket,
        cast(null as double) as bucket_low,
        cast(null as double) as bucket_high,
        count(*) as decisions,
        cast(coalesce(sum(has_stood), 0) as bigint) as stood,
        cast(sum(cast(confidence as decimal(38, 18))) as double) as confidence
    from scores
    where bucket = 'all'

),

-- Among many buckets, one looks wrong by chance, so each is tested at a fraction of the level (Bonferroni).
tested_totals as (

    select
        totals.*,
        totals.decisions >= {{ var('calibration_minimum_decisions') }} as is_enough,
        case
            when totals.decisions < {{ var('calibration_minimum_decisions') }} then null
            when totals.bucket = 'all' then tests.p_value
            else least(
                tests.p_value * sum(case
                    when
                        totals.bucket <> 'all'
                        and totals.decisions >= {{ var('calibration_minimum_decisions') }}
                        then 1
                    else 0
                end) over (),
                1
            )
        end as p_value
    from totals
    left join tests
        on totals.bucket = tests.bucket

),

final as (

    select
        totals.bucket,
        totals.bucket_low,
        totals.bucket_high,
        totals.decisions,
        totals.decisions - totals.stood as overridden,
        {{ rate('totals.confidence', 'totals.decisions') }} as mean_confidence,
        {{ rate('totals.stood', 'totals.decisions') }} as stood_share,
        {{ wilson_bound('totals.stood', 'totals.decisions', 'low') }} as ci_low,
        {{ wilson_bound('totals.stood', 'totals.decisions', 'high') }} as ci_high,
        {{ rate('totals.confidence - totals.stood', 'totals.decisions') }} as gap,
        totals.p_value,
        case
            when not totals.is_enough then 'not_enough'
            -- Overconfident in one bucket and underconfident in another can look right on average.
            when totals.p_value >= {{ var('significance_level') }} and brier_parts.reliability_ci_low > 0 then 'unclear'
            when totals.p_value >= {{ var('significance_level') }} then 'calibrated'
            when totals.confidence > totals.stood then 'overconfident'
            else 'underconfident'
        end as calibration,
        {%- for column in all_only %}
        brier_parts.{{ column }},
        {%- endfor %}
        brier_parts.brier_score - brier_parts.reliability + brier_parts.resolution - brier_parts.uncertainty
            as within_bucket,
        1 - brier_parts.brier_score / nullif(brier_parts.uncertainty, 0) as brier_skill_score
    from tested_totals as totals
    left join brier_parts
        on totals.bucket = 'all'

)

select * from final
