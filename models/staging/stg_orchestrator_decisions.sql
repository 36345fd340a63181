with source as (

    select * from {{ ref('raw_orchestrator_decisions') }}

),

final as (

    select
        decision_id,
        campaign_id,

        {{ adapter.quote('trigger') }} as decision_trigger,
        action_taken,

        cast(confidence_score as double) as confidence_score,

        cast(human_override as boolean) as is_human_override,

        cast({{ adapter.quote('timestamp') }} as timestamp) as decided_at
    from source

)

select * from final
