with channels as (

    select * from {{ ref('stg_channels') }}

),

labelled_channels as (

    select
        *,
        replace(channel_type, '_', ' ') || ' (' || platform || ')' as label
    from channels

),

final as (

    select
        channel_id,
        {{ unique_label('label', 'channel_id') }} as channel_label,
        channel_type,
        platform,
        cost_model,
        average_cost,
        '{{ var("reporting_currency") }}' as currency
    from labelled_channels

)

select * from final
