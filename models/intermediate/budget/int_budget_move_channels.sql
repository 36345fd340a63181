{%- set minimum_days = [var('week_minimum_days'), var('impact_window_days')] | min -%}

with periods as (

    select * from {{ ref('int_budget_move_periods') }}

),

pairs as (

    select
        {%- for figure in ['days_covered', 'spend', 'impressions', 'conversions', 'report_count', 'spend_variation'] %}
        {%- for period in ['before', 'after'] %}
        max(case when period = '{{ period }}' then {{ figure }} end) as {{ figure }}_{{ period }},
        {%- endfor %}
        {%- endfor %}
        {%- for figure in ['rated_report_count', 'rate_variation', 'effective_report_count'] %}
        max(case when period = 'before' then {{ figure }} end)
        + max(case when period = 'after' then {{ figure }} end) as {{ figure }},
        {%- endfor %}
        budget_action_id,
        channel_id
    from periods
    group by budget_action_id, channel_id

),

-- One report per window shows no variation. The tolerance is for sums of thirds, which are slightly off a whole number.
rated_pairs as (

    select
        *,
        {%- for period in ['before', 'after'] %}
        {{ rate('spend_' ~ period, 'days_covered_' ~ period) }} as spend_per_day_{{ period }},
        case
            when days_covered_{{ period }} >= {{ minimum_days }} and report_count_{{ period }} > 2 - 1e-9
                then spend_variation_{{ period }} / (report_count_{{ period }} - 1) / days_covered_{{ period }}
        end as variance_{{ period }},
        {{ rate('conversions_' ~ period, 'impressions_' ~ period) }} as conversion_rate_{{ period }},
        {%- endfor %}
        days_covered_before >= {{ minimum_days }}
        and days_covered_after >= {{ minimum_days }}
        and conversions_before between 1 and impressions_before
        and conversions_after between 1 and impressions_after
        and conversions_before + conversions_after >= {{ var('trend_minimum_successes') }}
        and rated_report_count > 3 - 1e-9
        and effective_report_count > 2 as is_ratable
    from pairs

),

rate_changes as (

    select
        *,
        case when is_ratable then ln(conversion_rate_after / nullif(conversion_rate_before, 0)) end as log_rate_ratio,
        case
            when is_ratable
                then
                    greatest({{ rate('rate_variation', 'effective_report_count - 2') }}, 1)
                    * greatest(
                        {{ rate('1', 'conversions_before') }} - {{ rate('1', 'impressions_before') }}
                        + {{ rate('1', 'conversions_after') }} - {{ rate('1', 'impressions_after') }},
                        0
                    )
        end as log_rate_variance
    from rated_pairs

),

final as (

    select
        budget_action_id,
        channel_id,
        {%- for period in ['before', 'after'] %}
        coalesce(days_covered_{{ period }}, 0) as days_covered_{{ period }},
        spend_{{ period }},
        spend_per_day_{{ period }},
        {%- endfor %}
        spend_per_day_after - spend_per_day_before as change_per_day,
        variance_before + variance_after as change_variance,
        -- Welch (1947), Biometrika 34, "The generalization of Student's problem". Null where all days are equal.
        (variance_before + variance_after) * (variance_before + variance_after) / nullif(
            variance_before * variance_before / (report_count_before - 1)
            + variance_after * variance_after / (report_count_after - 1),
            0
        ) as change_freedom,
        log_rate_ratio,
        log_rate_variance,
        case when is_ratable then rated_report_count - 2 end as rate_freedom,
        case
            when is_ratable
                then
                    {{ rate(
                        'cast(conversions_before as double) * conversions_after',
                        'conversions_before + conversions_after'
                    ) }}
        end as rate_weight
    from rate_changes

)

select * from final
