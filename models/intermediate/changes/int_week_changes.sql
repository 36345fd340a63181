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

events as (

    select * from {{ ref('int_events') }}

),

-- A Sunday is over at its last moment.
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

    select
        change_type,
        record_id,
        item,
        campaign_id,
        what,
        before_text,
        after_text,
        relative_change,
        importance,
        changed_at
    from events

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
