{%- set window_days = var('impact_window_days') -%}

with actions as (

    select * from {{ ref('budget_action_audit') }}

),

performance as (

    select * from {{ ref('int_performance') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- The export has no time of execution, so the day of the approval, else of the proposal, stands for it. That day
-- belongs to neither window.
executed_moves as (

    select
        *,
        cast(coalesce(approved_at, proposed_at) as date) as effective_date
    from actions
    where money_moved

),

affected_channels as (

    select
        budget_action_id,
        'from' as direction,
        campaign_id,
        campaign_name,
        from_channel_id as channel_id,
        from_channel_label as channel_label,
        amount,
        currency,
        is_self_transfer,
        effective_date
    from executed_moves

    union all

    select
        budget_action_id,
        'to' as direction,
        campaign_id,
        campaign_name,
        to_channel_id as channel_id,
        to_channel_label as channel_label,
        amount,
        currency,
        is_self_transfer,
        effective_date
    from executed_moves

),

windows as (

    select
        affected_channels.*,
        {{ add_days('affected_channels.effective_date', -window_days) }} as before_start,
        {{ add_days('affected_channels.effective_date', window_days) }} as after_end,
        as_of.as_of >= {{ end_of_day(add_days('affected_channels.effective_date', window_days)) }} as is_after_complete
    from affected_channels
    cross join as_of

),

overlapping_moves as (

    select
        windows.budget_action_id,
        windows.direction,
        max(case when others.is_self_transfer then 0 else 1 end) = 1 as moves_money
    from windows
    inner join affected_channels as others
        on
            windows.campaign_id = others.campaign_id
            and windows.channel_id = others.channel_id
            and windows.budget_action_id <> others.budget_action_id
            and others.effective_date between windows.before_start and windows.after_end
    group by windows.budget_action_id, windows.direction

),

totals as (

    select
        windows.budget_action_id,
        windows.direction,
        {%- for period, condition in [
            ('before', 'performance.recorded_date < windows.effective_date'),
            ('after', 'performance.recorded_date > windows.effective_date'),
        ] %}
        sum(case when {{ condition }} then performance.impressions end) as {{ period }}_impressions,
        sum(case when {{ condition }} then performance.clicks end) as {{ period }}_clicks,
        sum(case when {{ condition }} then performance.conversions end) as {{ period }}_conversions,
        sum(case when {{ condition }} then performance.cost end) as {{ period }}_spend,
        {%- endfor %}
        count(*) as snapshot_count
    from windows
    inner join performance
        on
            windows.campaign_id = performance.campaign_id
            and windows.channel_id = performance.channel_id
            and performance.recorded_date between windows.before_start and windows.after_end
    group by windows.budget_action_id, windows.direction

),

rated_windows as (

    select
        windows.*,
        {%- for period in ['before', 'after'] %}
        totals.{{ period }}_impressions,
        totals.{{ period }}_conversions,
        totals.{{ period }}_spend,
        {{ rate('totals.' ~ period ~ '_clicks', 'totals.' ~ period ~ '_impressions') }}
            as click_through_rate_{{ period }},
        {{ rate('totals.' ~ period ~ '_conversions', 'totals.' ~ period ~ '_impressions') }}
            as conversion_rate_{{ period }},
        {{ rate('totals.' ~ period ~ '_spend', 'totals.' ~ period ~ '_conversions') }}
            as cost_per_conversion_{{ period }},
        {%- endfor %}
        overlapping_moves.budget_action_id is not null as is_overlapped,
        coalesce(overlapping_moves.moves_money, false) as is_moved_by_another
    from windows
    left join totals
        on
            windows.budget_action_id = totals.budget_action_id
            and windows.direction = totals.direction
    left join overlapping_moves
        on
            windows.budget_action_id = overlapping_moves.budget_action_id
            and windows.direction = overlapping_moves.direction

),

final as (

    select
        budget_action_id,
        direction,
        campaign_id,
        channel_id,
        campaign_name,
        channel_label,
        amount,
        currency,
        effective_date,
        before_start,
        after_end,
        cast(before_impressions as bigint) as impressions_before,
        cast(after_impressions as bigint) as impressions_after,
        cast(before_conversions as bigint) as conversions_before,
        cast(after_conversions as bigint) as conversions_after,
        cast(before_spend as decimal(18, 2)) as spend_before,
        cast(after_spend as decimal(18, 2)) as spend_after,
        {%- for measure in ['click_through_rate', 'conversion_rate', 'cost_per_conversion'] %}
        {{ measure }}_before,
        {{ measure }}_after,
        {{ measure }}_after - {{ measure }}_before as {{ measure }}_delta,
        {%- endfor %}
        is_after_complete,
        is_overlapped,
        is_moved_by_another,
        false as is_causal
    from rated_windows

)

select * from final
