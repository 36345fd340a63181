with campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

performance_days as (

    select * from {{ ref('int_performance_days') }}

),

campaign_days as (

    select * from {{ ref('int_campaign_days') }}

),

-- Includes days that some assets have not reported yet.
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

-- A day that some assets have not reported yet has at least the spend of the others.
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

final as (

    select
        metered.campaign_id,
        metered.spend as metered_spend,
        metered.conversions,
        reports.report_count,
        spent_budgets.spend_by_now,
        spent_budgets.budget_gone_on
    from metered
    inner join reports
        on metered.campaign_id = reports.campaign_id
    left join spent_budgets
        on metered.campaign_id = spent_budgets.campaign_id

)

select * from final
