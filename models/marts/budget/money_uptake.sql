{%- set sides = ['from', 'to'] -%}
{%- set sums = ['spend_before', 'spend_after', 'spend_per_day_before', 'spend_per_day_after', 'change_per_day'] -%}
{%- set shares = ['uptake_share', 'uptake_share_low', 'uptake_share_high'] -%}
{%- set effects = ['effect', 'effect_low', 'effect_high'] -%}
{%- set figures = ['days_covered_before', 'days_covered_after', 'side_status', 'effect_status', 'comparison_channels']
    + sums + shares + effects -%}

with actions as (

    select * from {{ ref('budget_action_audit') }}

),

plans as (

    select * from {{ ref('int_budget_action_plans') }}

),

changes as (

    select * from {{ ref('int_budget_move_changes') }}

),

compared_actions as (

    select
        actions.*,
        {%- for side in sides %}
        {%- for figure in figures %}
        {{ side }}_changes.{{ figure }} as {{ side }}_{{ figure }},
        {%- endfor %}
        {%- endfor %}
        from_changes.before_start,
        from_changes.after_end,
        from_changes.is_after_complete,
        from_changes.is_overlapped or to_changes.is_overlapped as is_overlapped,
        from_changes.has_enough_spend and to_changes.has_enough_spend as has_enough_spend,
        plans.effective_date,
        plans.planned_daily_change,
        plans.capacity_date,
        plans.from_spent_before_move,
        plans.from_spend_to_come,
        plans.from_can_give,
        plans.to_impressions_before_move,
        plans.to_conversions_before_move,
        plans.capacity_findings
    from actions
    inner join plans
        on actions.budget_action_id = plans.budget_action_id
    {%- for side in sides %}
    left join changes as {{ side }}_changes
        on
            actions.budget_action_id = {{ side }}_changes.budget_action_id
            and {{ side }}_changes.direction = '{{ side }}'
    {%- endfor %}

),

judged_actions as (

    select
        *,
        case
            when not money_moved then 'not_moved'
            when is_self_transfer then 'self_transfer'
            when planned_daily_change is null then 'not_comparable'
            when is_overlapped then 'overlapped'
            when not has_enough_spend then 'not_enough'
            when from_side_status = 'moved' and to_side_status = 'moved' then 'happened'
            when from_side_status = 'not_moved' and to_side_status = 'not_moved' then 'did_not_happen'
            when from_side_status <> 'unclear' and to_side_status <> 'unclear' then 'one_sided'
            else 'unclear'
        end as uptake_status
    from compared_actions

),

explained_actions as (

    select
        *,
        case
            when uptake_status = 'not_moved'
                then 'The action is ' || status || '; approval: ' || replace(approval_state, '_', ' ') || '.'
            when uptake_status = 'self_transfer' then 'Both channels are the same.'
            when uptake_status = 'not_comparable' and currency <> '{{ var("reporting_currency") }}'
                then 'The amount is in ' || currency || ', spend in {{ var("reporting_currency") }}.'
            when uptake_status = 'not_comparable' then 'The campaign had no day left after the move.'
            when uptake_status = 'not_enough' and not is_after_complete
                then 'The window after the move ends on ' || cast(after_end as string) || '.'
            when uptake_status = 'not_enough'
                then 'Too few days of a channel are covered, or too few reports cover them.'
            when uptake_status = 'overlapped' then 'Another move touches one of the channels in these days.'
            else
                'Of the change planned per day, the channel that gives shows '
                || {{ percent_text('from_uptake_share') }} || ' and the one that receives '
                || {{ percent_text('to_uptake_share') }} || '.'
        end as uptake_reason
    from judged_actions

),

final as (

    select
        budget_action_id,
        campaign_id,
        from_channel_id,
        to_channel_id,
        campaign_name,
        from_channel_label,
        to_channel_label,
        amount,
        currency,
        status,
        approval_state,
        approver_id,
        money_moved,
        effective_date,
        before_start,
        after_end,
        {{ as_money('planned_daily_change') }} as planned_daily_change,
        {%- for side in sides %}
        cast({{ side }}_days_covered_before as integer) as {{ side }}_days_covered_before,
        cast({{ side }}_days_covered_after as integer) as {{ side }}_days_covered_after,
        {%- for figure in sums %}
        {{ as_money(side ~ '_' ~ figure) }} as {{ side }}_{{ figure }},
        {%- endfor %}
        {%- for figure in shares %}
        {{ side }}_{{ figure }},
        {%- endfor %}
        {%- endfor %}
        uptake_status,
        uptake_reason,
        capacity_date,
        {{ as_money('from_spent_before_move') }} as from_spent_before_move,
        from_spend_to_come,
        from_can_give,
        cast(to_impressions_before_move as bigint) as to_impressions_before_move,
        cast(to_conversions_before_move as bigint) as to_conversions_before_move,
        capacity_findings,
        {%- for side, prefix in [('to', ''), ('from', 'from_')] %}
        case
            when uptake_status in ('not_moved', 'self_transfer') then uptake_status
            else {{ side }}_effect_status
        end as {{ prefix }}effect_status,
        {%- for figure in effects %}
        case when not is_self_transfer then {{ side }}_{{ figure }} end as {{ prefix }}{{ figure }},
        {%- endfor %}
        {%- endfor %}
        cast(coalesce(to_comparison_channels, 0) as integer) as comparison_channels,
        false as is_causal
    from explained_actions

)

select * from final
