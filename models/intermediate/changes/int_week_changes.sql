{%- set rates = ['cost_per_conversion', 'return_on_ad_spend'] -%}

with as_of as (

    select * from {{ ref('int_as_of') }}

),

dates as (

    select * from {{ ref('dim_date') }}

),

performance as (

    select * from {{ ref('int_performance_weekly') }}
    where member_kind = 'campaign'

),

risk_signals as (

    select
        *,
        {{ risk_text() }} as label
    from {{ ref('risk_escalation') }}

),

budget_actions as (

    select
        *,
        {{ money_move_text() }} as money_move,
        coalesce(approved_at, proposed_at) as moved_at
    from {{ ref('budget_action_audit') }}
    where money_moved

),

actions as (

    select * from {{ ref('next_actions') }}

),

experiments as (

    select * from {{ ref('experiment_results') }}

),

status_changes as (

    select * from {{ ref('int_status_changes') }}

),

-- A Sunday is over with its last moment.
newest_week as (

    select
        cast({{ add_days(
            "cast(date_trunc('week', case when " ~ end_of_day('as_of_date') ~ " <= as_of then "
            ~ add_days('as_of_date', 1) ~ " else as_of_date end) as date)",
            -7
        ) }} as date) as week_start
    from as_of

),

first_week as (

    select min(week_start) as week_start
    from dates

),

compared as (

    select
        week_start,
        cast({{ add_days('week_start', -7) }} as timestamp) as compared_from,
        {{ end_of_day(add_days('week_start', 6)) }} as compared_to
    from newest_week
    where week_start >= (select first_week.week_start from first_week)

),

changes as (
    {%- for measure in ['conversions', 'spend'] + rates %}
    {%- set unit = ', ' ~ var('reporting_currency') if measure in ('spend', 'cost_per_conversion') else '' %}

    select
        'performance_moved' as change_type,
        campaign_id as record_id,
        '{{ measure }}' as item,
        campaign_id,
        {%- if measure in rates %}
        '{{ measure | replace('_', ' ') }}{{ unit }}' as what,
        {{ number_text('round(prior_' ~ measure ~ ', 2)') }} as before_text,
        {{ number_text('round(' ~ measure ~ ', 2)') }} as after_text,
        {%- else %}
        '{{ measure }} per covered day{{ unit }}' as what,
        {{ number_text('round(' ~ rate('prior_' ~ measure, 'prior_days_covered') ~ ', 2)') }} as before_text,
        {{ number_text('round(' ~ rate(measure, 'days_covered') ~ ', 2)') }} as after_text,
        {%- endif %}
        {{ measure }}_change as relative_change,
        abs({{ measure }}_change) as importance,
        {{ end_of_day(add_days('week_start', 6)) }} as changed_at
    from performance
    where {{ measure }}_change <> 0

    union all
    {%- endfor %}
    {%- for change_type, moment, after, is_so in [
        ('risk_raised', 'raised_at', 'cast(null as string)', 'true'),
        ('risk_reviewed', 'reviewed_at', "replace(review_state, '_', ' ')", 'true'),
        ('risk_overdue', 'review_due_at', 'cast(null as string)', "review_state = 'overdue'"),
        ('risk_closed', 'closing_seen_at', 'status', 'not is_unresolved'),
    ] %}

    select
        '{{ change_type }}' as change_type,
        risk_id as record_id,
        'risk' as item,
        campaign_id,
        label as what,
        cast(null as string) as before_text,
        {{ after }} as after_text,
        cast(null as double) as relative_change,
        severity_rank as importance,
        {{ moment }} as changed_at
    from risk_signals
    where {{ is_so }}

    union all
    {%- endfor %}

    select
        'money_moved' as change_type,
        budget_action_id as record_id,
        'status' as item,
        campaign_id,
        money_move as what,
        cast(null as string) as before_text,
        status as after_text,
        cast(null as double) as relative_change,
        amount as importance,
        moved_at as changed_at
    from budget_actions

    union all

    select
        case action_state when 'open' then 'action_new' else 'action_decided' end as change_type,
        record_id,
        action_type as item,
        max(campaign_id) as campaign_id,
        max(what_to_do) as what,
        cast(null as string) as before_text,
        action_state as after_text,
        cast(null as double) as relative_change,
        -min(action_rank) as importance,
        min(coalesce(answered_at, waiting_since)) as changed_at
    from actions
    group by action_state, record_id, action_type

    union all

    select
        'verdict_changed' as change_type,
        experiment_id as record_id,
        'experiment' as item,
        campaign_id,
        experiment_label as what,
        cast(null as string) as before_text,
        replace(verdict, '_', ' ') as after_text,
        cast(null as double) as relative_change,
        cast(null as double) as importance,
        cast(verdict_since as timestamp) as changed_at
    from experiments

    union all

    select
        'status_changed' as change_type,
        record_id,
        dataset || '.' || attribute || ' ' || cast(change_number as string) as item,
        campaign_id,
        {{ status_text('dataset', 'attribute') }} as what,
        from_value as before_text,
        to_value as after_text,
        cast(null as double) as relative_change,
        cast(null as double) as importance,
        seen_at as changed_at
    from status_changes
    where from_value is not null

),

final as (

    select
        changes.*,
        compared.compared_from,
        compared.compared_to
    from changes
    inner join compared
        on
            changes.changed_at >= cast(compared.week_start as timestamp)
            and changes.changed_at <= compared.compared_to

    union all

    select
        'nothing_to_compare' as change_type,
        cast(null as string) as record_id,
        cast(null as string) as item,
        cast(null as string) as campaign_id,
        'No week is over yet.' as what,
        cast(null as string) as before_text,
        cast(null as string) as after_text,
        cast(null as double) as relative_change,
        cast(null as double) as importance,
        cast(null as timestamp) as changed_at,
        cast(null as timestamp) as compared_from,
        cast(null as timestamp) as compared_to
    from as_of
    where not exists (select 1 from compared)

)

select * from final
