with source as (

    select * from {{ ref('raw_budget_actions') }}

),

final as (

    select
        budget_action_id,
        campaign_id,
        from_channel_id,
        to_channel_id,
        approver_id,

        coalesce(currency, '{{ var("reporting_currency") }}') as currency,
        reason_code,
        reason_detail,
        proposed_by,
        status,

        {{ exact_decimal('amount', 2) }} as amount,
        cast(approval_latency_minutes as bigint) as approval_latency_minutes,

        cast(approved_by_human as boolean) as is_approved_by_human,

        cast({{ adapter.quote('timestamp') }} as timestamp) as proposed_at
    from source

)

select * from final
