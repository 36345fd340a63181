with source as (

    select * from {{ ref('raw_roi_ledger') }}

),

final as (

    select
        campaign_id,

        cast(llm_cost as decimal(18, 6)) as llm_cost,
        cast(human_review_cost as decimal(18, 6)) as human_review_cost,
        cast(media_spend as decimal(18, 6)) as media_spend,
        cast(estimated_value as decimal(18, 6)) as estimated_value,
        cast(net_roi as decimal(18, 6)) as net_roi
    from source

)

select * from final
