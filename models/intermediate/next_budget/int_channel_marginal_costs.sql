with slopes as (

    select * from {{ ref('int_channel_slopes') }}

),

yields as (

    select * from {{ ref('int_channel_comparisons') }}

),

-- The slope is an elasticity at the mean: per cent more conversions per per cent more spend.
judged as (

    select
        slopes.*,
        yields.cost_per_conversion,
        case
            when
                slopes.report_days < {{ var('marginal_minimum_reports') }}
                or coalesce(yields.conversions, 0) < {{ var('next_budget_minimum_conversions') }}
                or slopes.t_quantile is null
                or slopes.spend_variation is null
                then 'not_enough'
            when slopes.spend_variation < {{ var('marginal_spend_variation_minimum') }} then 'spend_varied_too_little'
            else 'told'
        end as marginal_status,
        slopes.relative_slope - slopes.t_quantile * slopes.slope_error as slope_low,
        slopes.relative_slope + slopes.t_quantile * slopes.slope_error as slope_high
    from slopes
    inner join yields
        on
            slopes.campaign_id = yields.campaign_id
            and slopes.channel_id = yields.channel_id

),

final as (

    select
        campaign_id,
        channel_id,
        spend_variation,
        marginal_status,
        -- Where the slope may be 0, the cost of one more conversion has no upper bound.
        case
            when marginal_status = 'told' and relative_slope > 0 then cost_per_conversion / relative_slope
        end as marginal_cost_per_conversion,
        case
            when marginal_status = 'told' and slope_high > 0 then cost_per_conversion / slope_high
        end as marginal_low,
        case
            when marginal_status = 'told' and slope_low > 0 then cost_per_conversion / slope_low
        end as marginal_high
    from judged

)

select * from final
