with campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

actions as (
    {%- for model in ['int_risk_actions', 'int_breach_actions', 'int_approval_actions'] %}

    select
        {{ loop.index }} as type_order,
        priority_rank,
        action_type,
        record_id,
        campaign_id,
        reason,
        what_to_do,
        amount,
        currency,
        spend_per_day,
        answered_by_decision_id,
        answered_at,
        waiting_since,
        due_at
    from {{ ref(model) }}

    union all
    {%- endfor %}
    {%- for model in ['int_asset_actions', 'int_experiment_actions', 'int_segment_actions'] %}

    select
        {{ loop.index + 3 }} as type_order,
        cast(null as integer) as priority_rank,
        action_type,
        record_id,
        campaign_id,
        reason,
        what_to_do,
        cast(null as decimal(18, 2)) as amount,
        cast(null as string) as currency,
        spend_per_day,
        answered_by_decision_id,
        answered_at,
        waiting_since,
        cast(null as timestamp) as due_at
    from {{ ref(model) }}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

-- For a campaign that has ended, only budget actions, breaches and risks are open.
standing_actions as (

    select
        actions.*,
        campaigns.campaign_name,
        case when actions.answered_by_decision_id is null then 'open' else 'decided' end as action_state,
        coalesce(actions.amount, actions.spend_per_day) as amount_at_stake
    from actions
    left join campaigns using (campaign_id)
    where
        actions.type_order <= 3
        or actions.answered_by_decision_id is not null
        or not campaigns.has_ended

),

final as (

    select
        case
            when action_state = 'open'
                then cast(row_number() over (
                    partition by action_state
                    order by
                        type_order asc,
                        priority_rank asc nulls last,
                        -- Stop comes before scale.
                        action_type desc,
                        amount_at_stake desc nulls last,
                        record_id asc
                ) as integer)
        end as action_rank,
        action_type,
        record_id,
        campaign_id,
        campaign_name,
        reason,
        what_to_do,
        amount_at_stake,
        case
            when amount_at_stake is not null then coalesce(currency, '{{ var("reporting_currency") }}')
        end as currency,
        case
            when amount is not null then 'amount'
            when spend_per_day is not null then 'spend_per_day'
        end as stake_basis,
        action_state,
        answered_by_decision_id,
        answered_at,
        waiting_since,
        due_at
    from standing_actions

)

select * from final
