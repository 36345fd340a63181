with campaigns as (

    select * from {{ ref('stg_campaigns') }}

),

final as (

    select
        campaign_id,
        {{ unique_label('campaign_name', 'campaign_id') }} as campaign_name,
        objective,
        primary_kpi,
        status,
        hypothesis,
        budget,
        start_date,
        end_date,
        created_at
    from campaigns

)

select * from final
