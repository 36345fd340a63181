{%- set members = {'campaign': 'campaign_id', 'channel': 'channel_id', 'segment': 'segment_id'} -%}
{%- set sums, rates = weekly_sums(), weekly_rates() -%}

with days as (

    select * from {{ ref('int_performance_days') }}

),

dates as (

    select * from {{ ref('dim_date') }}

),

weeks as (
    {%- for kind, id in members.items() %}

    select
        days.campaign_id,
        '{{ kind }}' as member_kind,
        days.{{ id }} as member_id,
        dates.week_start,
        dates.is_week_complete,
        count(distinct days.day) as days_covered,
        sum(days.impressions) as impressions,
        sum(days.clicks) as clicks,
        sum(days.conversions) as conversions,
        sum(days.spend) as spend,
        sum(days.revenue_proxy) as revenue_proxy
    from days
    inner join dates
        on days.day = dates.date_day
    group by days.campaign_id, days.{{ id }}, dates.week_start, dates.is_week_complete
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

rated_weeks as (

    select
        *,
        {%- for name, (numerator, denominator) in rates.items() %}
        {{ rate(numerator, denominator) }} as {{ name }},
        {%- endfor %}
        {{ add_days('week_start', 7) }} as next_week_start
    from weeks

),

-- Only complete weeks with enough covered days are compared.
with_week_before as (

    select
        this_week.*,
        {%- for name in sums + rates.keys() | list %}
        week_before.{{ name }} as prior_{{ name }},
        {%- endfor %}
        week_before.days_covered as prior_days_covered,
        this_week.is_week_complete
        and this_week.days_covered >= {{ var('week_minimum_days') }}
        and week_before.days_covered >= {{ var('week_minimum_days') }} as is_comparable
    from rated_weeks as this_week
    left join rated_weeks as week_before
        on
            this_week.campaign_id = week_before.campaign_id
            and this_week.member_kind = week_before.member_kind
            and this_week.member_id = week_before.member_id
            and this_week.week_start = week_before.next_week_start

),

final as (

    select
        campaign_id,
        member_kind,
        member_id,
        week_start,
        is_week_complete,
        cast(days_covered as integer) as days_covered,
        cast(prior_days_covered as integer) as prior_days_covered,
        {%- for name in sums %}
        {%- set type = 'decimal(18, 6)' if name in ('spend', 'revenue_proxy') else 'bigint' %}
        cast({{ name }} as {{ type }}) as {{ name }},
        cast(prior_{{ name }} as {{ type }}) as prior_{{ name }},
        case
            when is_comparable
                then
                    {{ rate(name, 'days_covered') }}
                    / nullif({{ rate('prior_' ~ name, 'prior_days_covered') }}, 0) - 1
        end as {{ name }}_change,
        {%- endfor %}
        {%- for name in rates %}
        {{ name }},
        prior_{{ name }},
        case when is_comparable then {{ name }} / nullif(prior_{{ name }}, 0) - 1 end as {{ name }}_change,
        {%- endfor %}
        coalesce(is_comparable, false) as is_comparable
    from with_week_before

)

select * from final
