with scores as (

    select * from {{ ref('int_confidence_scores') }}
    where bucket <> 'all'

),

bucket_sums as (

    select
        bucket,
        count(*) as decisions,
        cast(sum(has_stood) as double) as stood,
        cast(sum(cast(confidence as decimal(38, 18))) as double) as confidence
    from scores
    group by bucket

),

-- What the reliability and the resolution of all are made of.
bucket_terms as (

    select
        *,
        (confidence - stood) * (confidence - stood) / nullif(decisions, 0) as reliability_term,
        stood * stood / nullif(decisions, 0) as resolution_term
    from bucket_sums

),

totals as (

    select
        cast(sum(decisions) as double) as decisions,
        sum(stood) as stood,
        cast(sum(cast(reliability_term as decimal(38, 18))) as double) as reliability_sum,
        cast(sum(cast(resolution_term as decimal(38, 18))) as double) as resolution_sum
    from bucket_terms

),

-- The same without one decision, for each.
without_one as (

    select
        scores.decision_id,
        scores.confidence,
        scores.has_stood,
        totals.decisions,
        totals.stood,
        totals.reliability_sum / totals.decisions as reliability,
        (totals.resolution_sum - totals.stood * totals.stood / totals.decisions) / totals.decisions as resolution,
        (
            totals.reliability_sum - terms.reliability_term + coalesce(
                (terms.confidence - scores.confidence - terms.stood + scores.has_stood)
                * (terms.confidence - scores.confidence - terms.stood + scores.has_stood)
                / nullif(terms.decisions - 1, 0),
                0
            )
        ) / nullif(totals.decisions - 1, 0) as reliability_without,
        (
            totals.resolution_sum - terms.resolution_term
            + coalesce(
                (terms.stood - scores.has_stood) * (terms.stood - scores.has_stood) / nullif(terms.decisions - 1, 0), 0
            )
            - (totals.stood - scores.has_stood) * (totals.stood - scores.has_stood) / nullif(totals.decisions - 1, 0)
        ) / nullif(totals.decisions - 1, 0) as resolution_without
    from scores
    inner join bucket_terms as terms
        on scores.bucket = terms.bucket
    cross join totals

),

final as (

    select
        decision_id,
        has_stood,
        reliability,
        resolution,
        (confidence - has_stood) * (confidence - has_stood) as squared_error,
        decisions * reliability - (decisions - 1) * reliability_without as reliability_value,
        decisions * resolution - (decisions - 1) * resolution_without as resolution_value
    from without_one

)

select * from final
