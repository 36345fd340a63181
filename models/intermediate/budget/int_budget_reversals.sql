with actions as (

    select * from {{ ref('int_budget_actions') }}

),

-- The latest executed move in the opposite direction; the later id of two at one time.
reversed_actions as (

    select
        later.budget_action_id,
        earlier.budget_action_id as reverses_action_id,
        row_number() over (
            partition by later.budget_action_id
            order by earlier.proposed_at desc, earlier.budget_action_id desc
        ) as recency
    from actions as later
    inner join actions as earlier
        on
            later.campaign_id = earlier.campaign_id
            and later.currency = earlier.currency
            and later.from_channel_id = earlier.to_channel_id
            and later.to_channel_id = earlier.from_channel_id
            and (
                later.proposed_at > earlier.proposed_at
                or (
                    later.proposed_at = earlier.proposed_at
                    and later.budget_action_id > earlier.budget_action_id
                )
            )
            and later.proposed_at <= {{ add_minutes('earlier.proposed_at', 24 * 60 * var('reversal_window_days')) }}
    where
        earlier.money_moved
        and not later.is_self_transfer

),

final as (

    select
        budget_action_id,
        reverses_action_id
    from reversed_actions
    where recency = 1

)

select * from final
