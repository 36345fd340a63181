-- Did each approved move show in spend, and how did the receiving channel's conversion rate change compared with the
-- campaign's other channels? A comparison, not a cause; not_enough and overlapped mark moves that can't be compared.
select
    budget_action_id,
    campaign_name,
    from_channel_label,
    to_channel_label,
    effective_date,
    planned_daily_change,
    from_change_per_day,
    to_change_per_day,
    uptake_status,
    uptake_reason,
    effect,
    effect_low,
    effect_high,
    effect_status
from {{ ref('money_uptake') }}
where money_moved
order by effective_date, budget_action_id
