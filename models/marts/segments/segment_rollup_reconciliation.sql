{%- set measured_on_both_sides = [
    'impressions', 'clicks', 'conversions', 'spend', 'revenue_proxy', 'kpi_value'
] -%}

with rollups as (

    select * from {{ ref('int_reported_rollups') }}

),

windows as (

    select * from {{ ref('int_rollup_windows') }}

),

measures as (

    select * from {{ ref('rollup_measures') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

segments as (

    select * from {{ ref('int_segments') }}

),

computed as (

    select
        own_window.*,
        {{ held_relative_change('own_window.kpi_value', 'prior_window.kpi_value') }} as trend
    from windows as own_window
    left join windows as prior_window
        on
            own_window.rollup_id = prior_window.rollup_id
            and prior_window.period = 'prior'
    where own_window.period = 'own'

),

compared as (

    select
        rollups.rollup_id,
        measures.measure,
        rollups.campaign_id,
        rollups.segment_id,
        rollups.window_start,
        rollups.window_end,
        measures.tolerance,
        case measures.measure
            {%- for measure in measured_on_both_sides %}
            when '{{ measure }}' then cast(rollups.{{ measure }} as double)
            {%- endfor %}
            when 'trend' then rollups.trend_vs_prior_window
        end as reported_value,
        case measures.measure
            {%- for measure in measured_on_both_sides %}
            when '{{ measure }}' then cast(computed.{{ measure }} as double)
            {%- endfor %}
            when 'trend' then computed.trend
        end as computed_value
    from rollups
    cross join measures
    left join computed using (rollup_id)

),

differences as (

    select
        *,
        reported_value - computed_value as difference
    from compared

),

final as (

    select
        compared.rollup_id,
        compared.measure,
        compared.campaign_id,
        compared.segment_id,
        campaigns.campaign_name,
        segments.segment_name,
        compared.window_start,
        compared.window_end,
        compared.reported_value,
        compared.computed_value,
        compared.difference,
        {{ rate('compared.difference', 'compared.computed_value') }} as relative_difference,
        case
            when compared.computed_value is null then 'not_computable'
            -- The factor allows for the last bit of a double only.
            when abs(compared.difference) <= compared.tolerance * 1.000001 then 'match'
            else 'mismatch'
        end as status
    from differences as compared
    inner join campaigns using (campaign_id)
    inner join segments using (segment_id)

)

select * from final
