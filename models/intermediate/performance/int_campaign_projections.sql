{%- set measures = ['spend', 'conversions'] -%}

with days as (

    select * from {{ ref('int_campaign_days') }}

),

-- Difference of each day from its weekday's mean, relative to a mean day, so that the scale of money does not matter.
residuals as (

    select
        *,
        {%- for measure in measures %}
        (cast({{ measure }} as double) - expected_{{ measure }}) / nullif({{ measure }}_per_day, 0)
            as {{ measure }}_residual,
        {%- endfor %}
        row_number() over (partition by campaign_id order by day) as day_number
    from days

),

-- Sums of seven consecutive covered days vary as weeks do.
weekly_residuals as (

    select
        {%- for measure in measures %}
        case
            when day_number >= 7 and not is_to_come
                then cast(sum(cast({{ measure }}_residual as decimal(38, 18))) over last_week as double)
        end as {{ measure }}_weekly_residual,
        {%- endfor %}
        *
    from residuals
    window last_week as (partition by campaign_id order by day rows between 6 preceding and current row)

),

summed as (

    select
        campaign_id,
        max(case when not is_to_come then day end) as covered_until,
        cast(count(spend) as double) as days_covered,
        cast(count(distinct case when not is_to_come then day_of_week end) as double) as weekdays_covered,
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        max({{ measure }}_per_day) as {{ measure }}_per_day,
        sum(case when is_to_come then cast(expected_{{ measure }} as decimal(38, 18)) end) as {{ measure }}_to_come,
        {%- for residual in [measure ~ '_residual', measure ~ '_weekly_residual'] %}
        cast(sum(cast({{ residual }} * {{ residual }} as decimal(38, 18))) as double) as {{ residual }}_squares,
        {%- endfor %}
        {%- endfor %}
        -- The expected means of days to come are uncertain too.
        cast(sum(cast(
            case
                when is_to_come
                    then 1 + {{ rate('to_come_of_weekday', 'covered_of_weekday') }}
            end as decimal(38, 18)
        )) as double) as variance_ratio,
        count(*) - count(spend) as days_to_come
    from weekly_residuals
    group by campaign_id

),

-- The larger of two estimates of a day's variance: from days, and from weeks, whose days are correlated.
variances as (

    select
        *,
        {%- for measure in measures %}
        {{ measure }}_per_day * {{ measure }}_per_day * coalesce(greatest(
            {{ rate(measure ~ '_residual_squares', 'days_covered - weekdays_covered') }},
            {{ rate(
                measure ~ '_weekly_residual_squares * days_covered',
                '7 * (days_covered - 6) * (days_covered - weekdays_covered)'
            ) }}
        ), 0) as {{ measure }}_variance,
        {%- endfor %}
        {{ normal_quantile('cast(' ~ (1 - var('significance_level') / 2) ~ ' as double)') }} as quantile
    from summed

),

final as (

    select
        campaign_id,
        covered_until,
        cast(days_covered as integer) as days_covered,
        cast(days_to_come as integer) as days_to_come,
        spend_per_day,
        conversions_per_day,
        coalesce(spend_to_come, 0) as spend_to_come,
        coalesce(conversions_to_come, 0) as conversions_to_come,
        coalesce(spend, 0) as spend_covered,
        coalesce(conversions, 0) as conversions_covered,
        case
            when days_to_come = 0 then cast(0 as double)
            when days_covered >= {{ var('pacing_minimum_days') }} and weekdays_covered = 7
                then quantile * sqrt(spend_variance * variance_ratio)
        end as spend_margin,
        -- Conversions vary at least as Poisson counts; plus one, since none so far does not mean none to come.
        case
            when days_to_come = 0 then cast(0 as double)
            when days_covered >= {{ var('pacing_minimum_days') }} and weekdays_covered = 7
                then quantile * sqrt(greatest(conversions_variance, (conversions + 1) / days_covered) * variance_ratio)
        end as conversions_margin
    from variances

)

select * from final
