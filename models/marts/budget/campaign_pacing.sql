with campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

ledger as (

    select * from {{ ref('stg_roi_ledger') }}

),

campaign_spend as (

    select * from {{ ref('int_campaign_spend') }}

),

projections as (

    select * from {{ ref('int_campaign_projections') }}

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
        campaign_spend.metered_spend,
        campaign_spend.conversions,
        ledger.media_spend as ledger_media_spend,
        projections.spend_per_day,
        projections.conversions_per_day,
        projections.spend_covered + projections.spend_to_come as projected_spend,
        cast(projections.conversions_covered + projections.conversions_to_come as double) as projected_conversions,
        {%- for margin in ['spend_margin', 'conversions_margin'] %}
        case
            when projections.days_to_come = 0 or campaign_spend.report_count >= {{ var('pacing_minimum_reports') }}
                then projections.{{ margin }}
        end as {{ margin }},
        {%- endfor %}
        campaign_spend.spend_by_now,
        campaign_spend.budget_gone_on
    from planned_days
    left join projections
        on planned_days.campaign_id = projections.campaign_id
    left join campaign_spend
        on planned_days.campaign_id = campaign_spend.campaign_id
    left join ledger
        on planned_days.campaign_id = ledger.campaign_id

),

-- No projection is below the figure so far. Without a running asset there is none.
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
        -- Whole cents on both sides, so that a projection exactly at the tolerance is on pace.
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
