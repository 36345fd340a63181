with dates as (

    select * from {{ ref('dim_date') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

final as (

    select dates.date_day
    from dates
    inner join as_of
        on dates.date_day <= as_of.as_of_date

)

select * from final
