with actions as (

    select * from {{ ref('int_budget_actions') }}

),

breaches as (

    select
        *,
        case
            when status in ('approved', 'executed', 'rolled_back') and not is_approved
                then status || ' without approval by a person'
        end as unapproved,
        case when is_approved and approver_id is null then 'approved without an approver' end as unnamed,
        case when is_approved and approval_latency_minutes is null then 'approved without a latency' end as untimed
    from actions
    where requires_approval

),

final as (

    select
        4 as rule,
        budget_action_id as record_key,
        campaign_id,
        currency || ' ' || {{ money_text('amount') }} || ': '
        || {{ joined_reasons(['unapproved', 'unnamed', 'untimed']) }} as what_is_wrong
    from breaches
    where coalesce(unapproved, unnamed, untimed) is not null

)

select * from final
