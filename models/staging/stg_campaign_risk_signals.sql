with source as (

    select * from {{ ref('raw_campaign_risk_signals') }}

),

final as (

    select
        risk_id,
        campaign_id,
        experiment_id,
        asset_ids,

        risk_type,
        severity,
        evidence,
        recommended_action,
        status,

        cast({{ adapter.quote('timestamp') }} as timestamp) as raised_at
    from source

)

select * from final
