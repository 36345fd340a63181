with reports as (

    select * from {{ ref('int_asset_reports') }}

),

definitions as (

    select * from {{ ref('risk_definitions') }}
    where definition = 'spend_spike'

),

daily_spend as (

    select
        *,
        cast(spend as double) / days_covered as spend_per_day,
        ln(cast(spend as double) / days_covered) as log_spend
    from reports
    where spend > 0

),

-- Sums of decimals do not depend on the order.
past as (

    select
        *,
        count(*) over reports_before as reports_before,
        cast(sum(cast(log_spend as decimal(38, 15))) over reports_before as double) as log_sum,
        cast(sum(cast(log_spend * log_spend as decimal(38, 15))) over reports_before as double) as log_squares
    from daily_spend
    window reports_before as (
        partition by asset_id
        order by reported_on
        rows between unbounded preceding and 1 preceding
    )

),

spread as (

    select
        past.*,
        definitions.definition,
        definitions.limit_value,
        definitions.minimum_sample,
        definitions.level,
        past.log_sum / nullif(past.reports_before, 0) as usual_log_spend,
        -- Without variation in the past, any larger value is above the limit.
        greatest(past.log_squares - past.log_sum * past.log_sum / nullif(past.reports_before, 0), 1e-12)
        / nullif(past.reports_before - 1, 0) as log_variance
    from past
    cross join definitions

),

-- A new report compared with the prediction interval of the past (Student's t, one degree of freedom less than
-- reports).
tested as (

    select
        *,
        reports_before - 1 as degrees_of_freedom,
        log_spend - usual_log_spend as log_excess,
        (log_spend - usual_log_spend) / nullif(sqrt(log_variance * (1 + rate_of_one)), 0) as t_statistic,
        row_number() over (partition by asset_id order by reported_on) as look
    from (
        select
            *,
            {{ rate('1', 'reports_before') }} as rate_of_one
        from spread
        where reports_before >= minimum_sample
    ) as enough

),

-- Source of the normal deviate of a t: Wallace (1959), "Bounds on normal approximations to Student's and the chi-square
-- distributions". The looks share the level as 1/2 + 1/6 + 1/12 and so on, for any number of looks.
judged as (

    select
        *,
        (8.0 * degrees_of_freedom + 1) / (8.0 * degrees_of_freedom + 3)
        * sqrt(degrees_of_freedom * ln(1 + t_statistic * t_statistic / degrees_of_freedom)) as z
    from tested

),

final as (

    select
        definition,
        asset_id,
        reported_on as checked_on,
        reported_at as checked_at,
        covered_from as facts_from,
        covered_from,
        coalesce(
            log_excess >= ln(limit_value)
            and {{ normal_two_sided_p_value('z') }} / 2 <= level / (cast(look as double) * (look + 1)),
            false
        ) as is_met,
        log_excess <= 0 as is_refuted,
        'spent ' || {{ money_text('spend_per_day') }} || ' a day, '
        || {{ number_text('round(exp(log_excess), 1)') }} || ' times its past' as fact
    from judged

)

select * from final
