{#- In whole numbers, so that 0.7 is exactly the lower end of a bucket. -#}
{%- set width = (var('calibration_bucket_width') * 1000000) | round | int -%}
{%- set last_bucket = (1000000 + width - 1) // width - 1 -%}

with decisions as (

    select * from {{ ref('int_decisions') }}

),

scaled_scores as (

    select
        decision_id,
        confidence_score as confidence,
        case when is_human_override then 0 else 1 end as has_stood,
        cast(round(confidence_score * 1000000000000000) as bigint) as scaled_confidence
    from decisions
    where confidence_score is not null

),

bucketed_scores as (

    select
        *,
        -- 1.0 belongs to the last bucket.
        least(
            cast((scaled_confidence - scaled_confidence % {{ width }}000000000) / {{ width }}000000000 as bigint),
            {{ last_bucket }}
        ) as bucket_number
    from scaled_scores

),

bounded_scores as (

    select
        decision_id,
        confidence,
        has_stood,
        bucket_number,
        cast(bucket_number * {{ width }} as double) / 1000000 as bucket_low,
        cast(least((bucket_number + 1) * {{ width }}, 1000000) as double) / 1000000 as bucket_high
    from bucketed_scores

),

final as (

    select
        decision_id,
        {{ number_text('bucket_low') }} || '-' || {{ number_text('bucket_high') }} as bucket,
        bucket_low,
        bucket_high,
        confidence,
        has_stood
    from bounded_scores

    union all

    select
        decision_id,
        'all' as bucket,
        cast(null as double) as bucket_low,
        cast(null as double) as bucket_high,
        confidence,
        has_stood
    from bounded_scores

)

select * from final
