with scores as (

    select * from {{ ref('int_confidence_scores') }}

),

numbered_scores as (

    select
        bucket,
        row_number() over (partition by bucket order by decision_id) as stood_count
    from scores

),

bucket_totals as (

    select
        bucket,
        count(*) as decisions,
        cast(sum(has_stood) as bigint) as stood,
        cast(sum(cast(confidence as decimal(38, 18))) as double) / count(*) as mean_confidence
    from scores
    group by bucket

),

-- Every number of decisions that could have stood, from 0, ...
counts as (

    select
        bucket,
        stood_count
    from numbered_scores

    union all

    select
        bucket,
        0 as stood_count
    from bucket_totals

),

coefficients as (

    select
        counts.bucket,
        counts.stood_count,
        bucket_totals.decisions,
        bucket_totals.stood,
        bucket_totals.mean_confidence,
        cast(sum(cast(
            case
                when counts.stood_count > 0
                    then ln(cast(bucket_totals.decisions - counts.stood_count + 1 as double) / counts.stood_count)
                else 0
            end as decimal(38, 18)
        )) over (
            partition by counts.bucket order by counts.stood_count
            rows between unbounded preceding and current row
        ) as double) as log_coefficient
    from counts
    inner join bucket_totals
        on counts.bucket = bucket_totals.bucket

),

-- ... and its probability if each stands with the mean confidence. Unequal confidences make numbers this far off no
-- more likely: Hoeffding (1956), "On the distribution of the number of successes in independent trials".
likelihoods as (

    select
        *,
        coalesce(exp(
            log_coefficient
            + case when stood_count = 0 then 0 else stood_count * ln(nullif(mean_confidence, 0)) end
            + case
                when stood_count = decisions then 0
                else (decisions - stood_count) * ln(nullif(1 - mean_confidence, 0))
            end
        ), 0) as likelihood
    from coefficients

),

tails as (

    select
        bucket,
        cast(sum(cast(case when stood_count <= stood then likelihood end as decimal(38, 18))) as double) as lower_tail,
        cast(sum(cast(case when stood_count >= stood then likelihood end as decimal(38, 18))) as double) as upper_tail
    from likelihoods
    group by bucket

),

final as (

    select
        bucket,
        least(2 * least(lower_tail, upper_tail), 1) as p_value
    from tails

)

select * from final
