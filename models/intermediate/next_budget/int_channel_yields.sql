with weeks as (

    select * from {{ ref('int_performance_weekly') }}
    where member_kind = 'channel'

),

budget_weeks as (

    select * from {{ ref('int_budget_weeks') }}

),

variation as (

    select * from {{ ref('int_channel_variation') }}

),

summed as (

    select
        weeks.campaign_id,
        weeks.member_id as channel_id,
        cast(sum(weeks.days_covered) as integer) as days_covered,
        cast(sum(weeks.impressions) as bigint) as impressions,
        cast(sum(weeks.conversions) as bigint) as conversions,
        cast(sum(weeks.spend) as decimal(18, 6)) as spend,
        cast(sum(weeks.revenue_proxy) as decimal(18, 6)) as revenue_proxy
    from weeks
    inner join budget_weeks
        on weeks.week_start between budget_weeks.window_start and budget_weeks.window_end
    group by weeks.campaign_id, weeks.member_id

),

-- Conversions vary at least as Poisson counts, and revenue at least as its conversions.
measured as (

    select
        summed.*,
        variation.reports,
        variation.reports_with_spend,
        variation.reports_with_spend >= {{ var('next_budget_minimum_reports') }} as has_enough_reports,
        {{ student_t_quantile('(variation.reports_with_spend - 1)') }} as t_quantile,
        case
            when summed.conversions > 0
                then greatest({{ rate('1', 'summed.conversions') }}, variation.conversions_variation)
        end as conversions_variance,
        case
            when summed.conversions > 0
                then
                    greatest(
                        {{ rate('1', 'summed.conversions') }},
                        variation.conversions_variation,
                        variation.revenue_proxy_variation
                    )
        end as revenue_variance
    from summed
    inner join variation
        on
            summed.campaign_id = variation.campaign_id
            and summed.channel_id = variation.channel_id

),

-- A channel with too few reports to estimate its variation is not compared.
others as (

    select
        measured.campaign_id,
        measured.channel_id,
        sum(others.conversions) as others_conversions,
        sum(others.spend) as others_spend,
        sum(others.reports_with_spend - 1) as others_freedom,
        cast(sum(cast(
            cast(others.conversions as double) * others.conversions * others.conversions_variance as decimal(38, 12)
        )) as double) as others_conversions_variance
    from measured
    inner join measured as others
        on
            measured.campaign_id = others.campaign_id
            and measured.channel_id <> others.channel_id
    where
        measured.has_enough_reports
        and others.has_enough_reports
    group by measured.campaign_id, measured.channel_id

),

final as (

    select
        measured.*,
        cast(others.others_conversions as bigint) as others_conversions,
        cast(others.others_spend as decimal(18, 6)) as others_spend,
        others.others_conversions_variance
        / nullif(cast(others.others_conversions as double) * others.others_conversions, 0) as others_variance,
        -- Each side would have enough if both yielded alike.
        case
            when
                least(measured.spend, others.others_spend)
                * cast(measured.conversions + others.others_conversions as double)
                >= {{ var('next_budget_minimum_conversions') }}
                * cast(measured.spend + others.others_spend as double)
                then {{ student_t_quantile('least(measured.reports_with_spend - 1, others.others_freedom)') }}
        end as comparison_quantile
    from measured
    left join others
        on
            measured.campaign_id = others.campaign_id
            and measured.channel_id = others.channel_id

)

select * from final
