with timeline as (

    select * from {{ ref('campaign_timeline') }}

),

funnel as (

    select * from {{ ref('fct_funnel_daily') }}

),

event_days as (

    select cast(occurred_at as date) as event_day from timeline
    union all
    select event_date as event_day from funnel

),

range_of_days as (

    select
        min(event_day) as first_day,
        max(event_day) as last_day
    from event_days

),

digits as (

    {%- for digit in range(10) %}
    select {{ digit }} as digit
    {{- " union all" if not loop.last }}
    {%- endfor %}

),

-- No engine-specific series: five digits number the days of 273 years.
day_numbers as (

    select
        ones.digit + 10 * tens.digit + 100 * hundreds.digit
        + 1000 * thousands.digit + 10000 * ten_thousands.digit as day_number
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
    cross join digits as thousands
    cross join digits as ten_thousands

),

final as (

    select cast({{ add_days('range_of_days.first_day', 'day_numbers.day_number') }} as date) as date_day
    from range_of_days
    inner join day_numbers
        on day_numbers.day_number <= {{ days_between('range_of_days.first_day', 'range_of_days.last_day') }}

)

select * from final
