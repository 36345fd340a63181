{%- set sides = {'from': -1, 'to': 1} -%}

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
        plans.effective_date,
        plans.planned_daily_change,
        plans.capacity_date,
        plans.from_spent_before_move,
        plans.from_spend_to_come,
        plans.from_can_give,
        plans.to_impressions_before_move,
        plans.to_conversions_before_move,
        plans.capacity_findings,
        from_changes.before_start,
        from_changes.after_end,
        from_changes.is_after_complete,
        from_changes.is_overlapped or to_changes.is_overlapped as is_overlapped,
        {%- for side in sides %}
        {%- for figure in [
            'spend_before', 'spend_after', 'days_covered_before', 'days_covered_after',
            'spend_per_day_before', 'spend_per_day_after', 'change_per_day',
            'uptake_share', 'uptake_share_low', 'uptake_share_high', 'side_status',
            'effect', 'effect_low', 'effect_high', 'effect_status', 'comparison_channels',
        ] %}
        {{ side }}_changes.{{ figure }} as {{ side }}_{{ figure }}{{ ',' if not loop.last }}
        {%- endfor %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from actions
    inner join plans
        on actions.budget_action_id = plans.budget_action_id
    {%- for side in sides %}
    left join changes as {{ side }}_changes
        on
            actions.budget_action_id = {{ side }}_changes.budget_action_id
            and {{ side }}_changes.direction = '{{ side }}'
    {%- endfor %}

)

select * from compared_actions
