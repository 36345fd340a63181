with source as (

    select * from {{ ref('raw_campaigns') }}

),

final as (

    select
        campaign_id,

        name as campaign_name,
        objective,
        primary_kpi,
        status,
        hypothesis,

        {{ exact_decimal('budget', 6) }} as budget,

        cast(start_date as date) as start_date,
        cast(end_date as date) as end_date,
        cast(created_at as timestamp) as created_at
    from source

)

select * from final
