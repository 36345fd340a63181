with pseudo_values as (

    select * from {{ ref('int_brier_pseudo_values') }}

),

means as (

    select
        count(*) as decisions,
        cast(sum(has_stood) as bigint) as stood,
        {{ rate('sum(cast(reliability_share as decimal(38, 18)))', 'count(*)') }} as reliability,
        {{ rate('sum(cast(resolution_share as decimal(38, 18)))', 'count(*)') }} as resolution,
        {{ rate('sum(cast(squared_error as decimal(38, 18)))', 'count(*)') }} as mean_squared_error,
        {{ rate('sum(cast(reliability_value as decimal(38, 18)))', 'count(*)') }} as mean_reliability_value,
        {{ rate('sum(cast(resolution_value as decimal(38, 18)))', 'count(*)') }} as mean_resolution_value
    from pseudo_values

),

deviations as (

    select
        pseudo_values.squared_error - means.mean_squared_error as error_deviation,
        pseudo_values.reliability_value - means.mean_reliability_value as reliability_deviation,
        pseudo_values.resolution_value - means.mean_resolution_value as resolution_deviation
    from pseudo_values
    cross join means

),

spreads as (

    select
        cast(
            sum(cast(error_deviation * error_deviation as decimal(38, 18))) as double
        ) as error_spread,
        cast(
            sum(cast(reliability_deviation * reliability_deviation as decimal(38, 18))) as double
        ) as reliability_spread,
        cast(
            sum(cast(resolution_deviation * resolution_deviation as decimal(38, 18))) as double
        ) as resolution_spread
    from deviations

),

-- Where all stood or none did, the variance of the errors is no measure of the uncertainty.
quantiles as (

    select
        means.*,
        sqrt(spreads.error_spread / nullif(means.decisions * (means.decisions - 1), 0)) as error_of_score,
        sqrt(spreads.reliability_spread / nullif(means.decisions * (means.decisions - 1), 0)) as error_of_reliability,
        sqrt(spreads.resolution_spread / nullif(means.decisions * (means.decisions - 1), 0)) as error_of_resolution,
        {{ rate('means.stood', 'means.decisions') }} as stood_share,
        case
            when
                means.stood > 0
                and means.stood < means.decisions
                and means.decisions >= {{ var('calibration_minimum_decisions') }}
                then {{ student_t_quantile('(means.decisions - 1)') }}
        end as t_quantile,
        case
            when means.decisions >= {{ var('calibration_minimum_decisions') }}
                then {{ wilson_bound('means.stood', 'means.decisions', 'low') }}
        end as stood_low,
        case
            when means.decisions >= {{ var('calibration_minimum_decisions') }}
                then {{ wilson_bound('means.stood', 'means.decisions', 'high') }}
        end as stood_high
    from means
    cross join spreads

),

-- Reliability and resolution are biased upwards, the mean of the pseudo-values less so; the interval includes those
-- around either.
final as (

    select
        mean_squared_error as brier_score,
        case
            when t_quantile is not null then greatest(mean_squared_error - t_quantile * error_of_score, 0)
        end as brier_ci_low,
        case
            when t_quantile is not null then least(mean_squared_error + t_quantile * error_of_score, 1)
        end as brier_ci_high,
        reliability,
        case
            when t_quantile is not null
                then greatest(least(reliability, mean_reliability_value) - t_quantile * error_of_reliability, 0)
        end as reliability_ci_low,
        case
            when t_quantile is not null
                then least(greatest(reliability, mean_reliability_value) + t_quantile * error_of_reliability, 1)
        end as reliability_ci_high,
        resolution,
        case
            when t_quantile is not null
                then greatest(least(resolution, mean_resolution_value) - t_quantile * error_of_resolution, 0)
        end as resolution_ci_low,
        case
            when t_quantile is not null
                then least(greatest(resolution, mean_resolution_value) + t_quantile * error_of_resolution, 0.25)
        end as resolution_ci_high,
        stood_share * (1 - stood_share) as uncertainty,
        least(stood_low * (1 - stood_low), stood_high * (1 - stood_high)) as uncertainty_ci_low,
        case
            when stood_low <= 0.5 and stood_high >= 0.5 then cast(0.25 as double)
            else greatest(stood_low * (1 - stood_low), stood_high * (1 - stood_high))
        end as uncertainty_ci_high
    from quantiles

)

select * from final
