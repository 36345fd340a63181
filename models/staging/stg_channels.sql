with source as (

    select * from {{ ref('raw_channels') }}

),

final as (

    select
        channel_id,

        type as channel_type,
        platform,
        cost_model,

        {{ exact_decimal('avg_cost', 6) }} as average_cost
    from source

)

select * from final
