{%- set estimates = ['squared_error', 'reliability_value', 'resolution_value'] -%}

with pseudo_values as (

    select * from {{ ref('int_brier_pseudo_values') }}

),

means as (

    select
        count(*) as decisions,
        cast(sum(has_stood) as bigint) as stood,
        max(reliability) as reliability,
        max(resolution) as resolution,
        {%- for estimate in estimates %}
        cast(sum(cast({{ estimate }} as decimal(38, 18))) as double) / nullif(count(*), 0) as mean_{{ estimate }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from pseudo_values

),

spreads as (

    select
        {%- for estimate in estimates %}
        sqrt(cast(sum(cast(
            (pseudo_values.{{ estimate }} - means.mean_{{ estimate }})
            * (pseudo_values.{{ estimate }} - means.mean_{{ estimate }}) as decimal(38, 18)
        )) as double) / nullif(count(*) * (count(*) - 1), 0)) as {{ estimate }}_error
        {{- ',' if not loop.last }}
        {%- endfor %}
    from pseudo_values
    cross join means

),

-- Where all stood, or none did, the errors' spread says nothing of how sure their mean is.
quantiles as (

    select
        means.*,
        {%- for estimate in estimates %}
        spreads.{{ estimate }}_error,
        {%- endfor %}
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

-- Both figures are too high on average, the more so the fewer decisions: the mean of the pseudo-values is less so, and the
-- interval holds what is around either.
final as (

    select
        mean_squared_error as brier_score,
        case
            when t_quantile is not null then greatest(mean_squared_error - t_quantile * squared_error_error, 0)
        end as brier_ci_low,
        case
            when t_quantile is not null then least(mean_squared_error + t_quantile * squared_error_error, 1)
        end as brier_ci_high,
        reliability,
        case
            when t_quantile is not null
                then greatest(least(reliability, mean_reliability_value) - t_quantile * reliability_value_error, 0)
        end as reliability_ci_low,
        case
            when t_quantile is not null
                then least(greatest(reliability, mean_reliability_value) + t_quantile * reliability_value_error, 1)
        end as reliability_ci_high,
        resolution,
        case
            when t_quantile is not null
                then greatest(least(resolution, mean_resolution_value) - t_quantile * resolution_value_error, 0)
        end as resolution_ci_low,
        case
            when t_quantile is not null
                then least(greatest(resolution, mean_resolution_value) + t_quantile * resolution_value_error, 0.25)
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
