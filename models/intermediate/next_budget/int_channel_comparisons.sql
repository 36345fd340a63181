with yields as (

    select * from {{ ref('int_channel_yields') }}

),

margins as (

    select
        *,
        cast(coalesce(reports_with_spend, 0) as integer) as spend_reports,
        {{ rate('conversions', 'spend') }} / nullif({{ rate('others_conversions', 'others_spend') }}, 0)
            as yield_ratio,
        case
            when conversions > 0 and others_conversions > 0
                then 2 * asinh(comparison_quantile / 2 * sqrt(conversions_variance + others_variance))
        end as comparison_margin,
        -- Without a conversion on one side there is no ratio, only a difference.
        (cast(conversions as double) * others_spend - cast(others_conversions as double) * spend) / nullif(sqrt(
            cast(conversions + others_conversions as double) * spend * others_spend
            * greatest(1, conversions * conversions_variance, others_conversions * others_variance)
        ), 0) as comparison_z,
        2 * asinh(t_quantile / 2 * sqrt(conversions_variance)) as cost_margin,
        2 * asinh(t_quantile / 2 * sqrt(revenue_variance)) as revenue_margin,
        -- An interval whose bounds differ by more than a factor of 1,000 (e^7) is useless.
        coalesce(
            has_enough_reports
            and conversions >= {{ var('next_budget_minimum_conversions') }}
            and 2 * asinh(t_quantile / 2 * sqrt(conversions_variance)) < 7,
            false
        ) as is_enough_to_tell
    from yields

),

final as (

    select
        campaign_id,
        channel_id,
        days_covered,
        reports,
        spend_reports,
        is_enough_to_tell,
        impressions,
        conversions,
        spend,
        revenue_proxy,
        {{ rate('spend', 'conversions') }} as cost_per_conversion,
        -- Without a conversion, up to t^2 may have been missed by chance; at least Poisson's 3.7.
        case
            when has_enough_reports and conversions > 0
                then {{ rate('spend', 'conversions') }} * exp(-cost_margin)
            when has_enough_reports then cast(spend as double) / (t_quantile * t_quantile)
        end as cost_per_conversion_low,
        case
            when is_enough_to_tell then {{ rate('spend', 'conversions') }} * exp(cost_margin)
        end as cost_per_conversion_high,
        {{ rate('revenue_proxy', 'spend') }} as return_on_ad_spend,
        {%- for side, sign in {'low': '-', 'high': ''}.items() %}
        case
            when is_enough_to_tell and revenue_proxy > 0
                then {{ rate('revenue_proxy', 'spend') }} * exp({{ sign }}revenue_margin)
        end as return_on_ad_spend_{{ side }},
        {%- endfor %}
        {{ rate('others_spend', 'others_conversions') }} as others_cost_per_conversion,
        yield_ratio - 1 as relative_yield,
        yield_ratio * exp(-comparison_margin) - 1 as relative_yield_low,
        yield_ratio * exp(comparison_margin) - 1 as relative_yield_high,
        case
            when comparison_quantile is null then 'not_enough'
            when yield_ratio * exp(-comparison_margin) > 1 then 'better'
            when yield_ratio * exp(comparison_margin) < 1 then 'worse'
            when comparison_margin is null and comparison_z > comparison_quantile then 'better'
            when comparison_margin is null and comparison_z < -comparison_quantile then 'worse'
            else 'unclear'
        end as evidence_status
    from margins

)

select * from final
