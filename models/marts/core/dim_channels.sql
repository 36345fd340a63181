with channels as (

    select * from {{ ref('stg_channels') }}

),

final as (

    select
        channel_id,
        replace(channel_type, '_', ' ') || ' (' || platform || ')' as channel_label,
        channel_type,
        platform,
        cost_model,
        average_cost,
        '{{ var("reporting_currency") }}' as currency
    from channels

)

select * from final
