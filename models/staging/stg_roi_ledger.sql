with source as (

    select * from {{ ref('raw_roi_ledger') }}

),

final as (

    select
        campaign_id,

        {{ exact_decimal('llm_cost', 6) }} as llm_cost,
        {{ exact_decimal('human_review_cost', 6) }} as human_review_cost,
        {{ exact_decimal('media_spend', 6) }} as media_spend,
        {{ exact_decimal('estimated_value', 6) }} as estimated_value,
        {{ exact_decimal('net_roi', 6) }} as net_roi
    from source

)

select * from final
