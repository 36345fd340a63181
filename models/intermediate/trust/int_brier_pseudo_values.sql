with scores as (

    select * from {{ ref('int_confidence_scores') }}
    where bucket <> 'all'

),

totals as (

    select
        count(*) as all_decisions,
        {{ rate('sum(has_stood)', 'count(*)') }} as stood_share
    from scores

),

-- Difference of each outcome from its stated confidence, and from the stood share of all.
differences as (

    select
        scores.decision_id,
        scores.bucket,
        scores.has_stood,
        totals.all_decisions,
        scores.confidence - scores.has_stood as from_confidence,
        scores.has_stood - totals.stood_share as from_share
    from scores
    cross join totals

),

bucket_sums as (

    select
        bucket,
        count(*) as decisions,
        cast(sum(cast(from_confidence as decimal(38, 18))) as double) as from_confidence_sum,
        cast(sum(cast(from_share as decimal(38, 18))) as double) as from_share_sum
    from differences
    group by bucket

),

-- Jackknife: change of n times the reliability, and of n times the resolution, by each decision. Source: Efron and
-- Stein (1981), "The jackknife estimate of variance".
final as (

    select
        differences.decision_id,
        differences.has_stood,
        differences.from_confidence * differences.from_confidence as squared_error,
        bucket_sums.from_confidence_sum / bucket_sums.decisions
        * bucket_sums.from_confidence_sum / bucket_sums.decisions as reliability_share,
        bucket_sums.from_share_sum / bucket_sums.decisions
        * bucket_sums.from_share_sum / bucket_sums.decisions as resolution_share,
        bucket_sums.from_confidence_sum * bucket_sums.from_confidence_sum / bucket_sums.decisions
        - coalesce(
            (bucket_sums.from_confidence_sum - differences.from_confidence)
            * (bucket_sums.from_confidence_sum - differences.from_confidence)
            / nullif(bucket_sums.decisions - 1, 0),
            0
        ) as reliability_value,
        bucket_sums.from_share_sum * bucket_sums.from_share_sum / bucket_sums.decisions
        - coalesce(
            (bucket_sums.from_share_sum - differences.from_share)
            * (bucket_sums.from_share_sum - differences.from_share)
            / nullif(bucket_sums.decisions - 1, 0),
            0
        )
        + differences.from_share * differences.from_share / nullif(differences.all_decisions - 1, 0) as resolution_value
    from differences
    inner join bucket_sums
        on differences.bucket = bucket_sums.bucket

)

select * from final
