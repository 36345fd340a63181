with campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

ledger as (

    select * from {{ ref('stg_roi_ledger') }}

),

performance_days as (

    select * from {{ ref('int_performance_days') }}

),

campaign_days as (

    select * from {{ ref('int_campaign_days') }}

),

projections as (

    select * from {{ ref('int_campaign_projections') }}

),

-- Also of days that not all assets have reported yet.
metered_days as (

    select
        campaign_id,
        day,
        sum(spend) as spend,
        sum(conversions) as conversions
    from performance_days
    group by campaign_id, day

),

metered as (

    select
        campaign_id,
        sum(spend) as spend,
        sum(conversions) as conversions
    from metered_days
    group by campaign_id

),

reports as (

    select
        campaign_id,
        count(distinct recorded_at) as report_count
    from performance_days
    group by campaign_id

),

-- A day that some assets have not reported yet has spent at least what the others have.
spent_days as (

    select
        campaign_days.campaign_id,
        campaign_days.day,
        case
            when campaign_days.is_to_come
                then greatest(
                    cast(campaign_days.expected_spend as decimal(38, 18)),
                    cast(coalesce(metered_days.spend, 0) as decimal(38, 18))
                )
            else cast(campaign_days.spend as decimal(38, 18))
        end as spend
    from campaign_days
    left join metered_days
        on
            campaign_days.campaign_id = metered_days.campaign_id
            and campaign_days.day = metered_days.day

),

spent_so_far as (

    select
        spent_days.campaign_id,
        spent_days.day,
        campaigns.budget,
        as_of.as_of_date,
        sum(spent_days.spend) over (partition by spent_days.campaign_id order by spent_days.day) as spend_up_to_day,
        spent_days.spend
    from spent_days
    cross join as_of
    inner join campaigns
        on spent_days.campaign_id = campaigns.campaign_id

),

spent_budgets as (

    select
        campaign_id,
        sum(case when day <= as_of_date then spend end) as spend_by_now,
        min(case when budget > 0 and {{ as_money('spend_up_to_day') }} >= budget then day end) as budget_gone_on
    from spent_so_far
    group by campaign_id

),

planned_days as (

    select
        campaigns.*,
        as_of.as_of_date,
        case
            when as_of.as_of_date < campaigns.start_date then 0
            when as_of.as_of_date >= campaigns.end_date then campaigns.planned_days
            else {{ days_between('campaigns.start_date', 'as_of.as_of_date') }} + 1
        end as days_gone
    from campaigns
    cross join as_of

),

projected as (

    select
        planned_days.*,
        planned_days.planned_days - planned_days.days_gone as days_left,
        projections.covered_until,
        coalesce(projections.days_covered, 0) as days_covered,
        case
            when planned_days.has_ended or projections.covered_until >= planned_days.end_date then 0
            when projections.campaign_id is null then planned_days.planned_days - planned_days.days_gone
            when projections.days_to_come > 0 then projections.days_to_come
        end as days_to_come,
        metered.spend as metered_spend,
        metered.conversions,
        ledger.media_spend as ledger_media_spend,
        projections.spend_per_day,
        projections.conversions_per_day,
        projections.spend_covered + projections.spend_to_come as projected_spend,
        cast(projections.conversions_covered + projections.conversions_to_come as double) as projected_conversions,
        {%- for margin in ['spend_margin', 'conversions_margin'] %}
        case
            when projections.days_to_come = 0 or reports.report_count >= {{ var('pacing_minimum_reports') }}
                then projections.{{ margin }}
        end as {{ margin }},
        {%- endfor %}
        spent_budgets.spend_by_now,
        spent_budgets.budget_gone_on
    from planned_days
    left join projections
        on planned_days.campaign_id = projections.campaign_id
    left join metered
        on planned_days.campaign_id = metered.campaign_id
    left join reports
        on planned_days.campaign_id = reports.campaign_id
    left join ledger
        on planned_days.campaign_id = ledger.campaign_id
    left join spent_budgets
        on planned_days.campaign_id = spent_budgets.campaign_id

),

-- No end is below what is there already. Neither is one known where none of the assets runs.
ends as (

    select
        *,
        case when days_to_come is not null then greatest(projected_spend, metered_spend) end as spend_at_end,
        case when days_to_come is not null then greatest(projected_conversions, cast(conversions as double)) end
            as conversions_at_end,
        cast(spend_margin as decimal(38, 18)) as spend_margin_exact
    from projected

),

intervals as (

    select
        *,
        case
            when spend_at_end is not null and spend_margin is not null
                then greatest({{ as_money('spend_at_end - spend_margin_exact') }}, {{ as_money('metered_spend') }})
        end as spend_at_end_low,
        {{ as_money('spend_at_end + spend_margin_exact') }} as spend_at_end_high,
        case
            when conversions_at_end is not null and conversions_margin is not null
                then greatest(conversions_at_end - conversions_margin, cast(conversions as double))
        end as conversions_at_end_low,
        conversions_at_end + conversions_margin as conversions_at_end_high
    from ends

),

final as (

    select
        campaign_id,
        campaign_name,
        status,
        currency,
        budget,
        start_date,
        end_date,
        planned_days,
        cast(days_gone as integer) as days_gone,
        cast(days_left as integer) as days_left,
        covered_until,
        cast(days_covered as integer) as days_covered,
        cast(days_to_come as integer) as days_to_come,
        {{ as_money('metered_spend') }} as metered_spend,
        {{ as_money('ledger_media_spend') }} as ledger_media_spend,
        {{ as_money(rate('budget * days_gone', 'planned_days')) }} as planned_spend_by_now,
        {{ as_money('spend_per_day') }} as spend_per_day,
        {{ as_money('spend_at_end') }} as spend_at_end,
        spend_at_end_low,
        spend_at_end_high,
        budget_gone_on,
        case
            when budget > 0 and coalesce(days_to_come, 1) > 0
                then
                    {{ as_money(rate(
                        'greatest(budget - greatest(coalesce(spend_by_now, 0), coalesce(metered_spend, 0)), 0)',
                        'days_left'
                    )) }}
        end as spend_per_day_to_use_budget,
        cast(conversions as bigint) as conversions,
        conversions_per_day,
        conversions_at_end,
        conversions_at_end_low,
        conversions_at_end_high,
        -- Whole cents on both sides: an end exactly at the tolerance is on pace.
        case
            when status <> 'active' then 'not_active'
            when days_gone = 0 then 'not_started'
            when budget = 0 then 'no_budget'
            when metered_spend is null then cast(null as string)
            when {{ as_money('metered_spend') }} > {{ as_money('budget * ' ~ (1 + var('pacing_tolerance'))) }}
                then 'ahead'
            when spend_at_end_low is null then 'not_enough'
            when spend_at_end_low > {{ as_money('budget * ' ~ (1 + var('pacing_tolerance'))) }} then 'ahead'
            when spend_at_end_high < {{ as_money('budget * ' ~ (1 - var('pacing_tolerance'))) }} then 'behind'
            else 'on_pace'
        end as pacing_status
    from intervals

)

select * from final
