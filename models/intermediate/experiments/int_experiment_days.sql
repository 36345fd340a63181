{%- set arms = ['control', 'variant'] -%}
{%- set measures = ['impressions', 'clicks', 'conversions'] -%}

with experiments as (

    select * from {{ ref('int_experiments') }}

),

performance as (

    select * from {{ ref('int_performance') }}

),

kpi_definitions as (

    select * from {{ ref('kpi_definitions') }}

),

days as (

    select
        experiments.experiment_id,
        experiments.metric,
        performance.recorded_date as judged_on,
        {%- for arm in arms %}
        {%- for measure in measures %}
        sum(
            case when performance.asset_id = experiments.{{ arm }}_asset_id then performance.{{ measure }} else 0 end
        ) as {{ arm }}_{{ measure }},
        {%- endfor %}
        {%- endfor %}
        count(case
            when
                performance.asset_id in (experiments.control_asset_id, experiments.variant_asset_id)
                and not performance.recorded_date between
                experiments.start_date and coalesce(experiments.end_date, performance.recorded_date)
                then 1
        end) as outside_date_count,
        -- Structural by contract rule 3, and so seen here only where that is waived.
        count(case
            when performance.asset_id not in (experiments.control_asset_id, experiments.variant_asset_id) then 1
        end) as foreign_row_count
    from experiments
    left join performance using (experiment_id)
    group by experiments.experiment_id, experiments.metric, performance.recorded_date

),

sums_so_far as (

    select
        experiment_id,
        metric,
        judged_on,
        {%- for arm in arms %}
        {%- for measure in measures %}
        sum({{ arm }}_{{ measure }}) over so_far as {{ arm }}_{{ measure }},
        {%- endfor %}
        {%- endfor %}
        sum(outside_date_count) over so_far as outside_date_count,
        sum(foreign_row_count) over so_far as foreign_row_count
    from days
    window so_far as (partition by experiment_id order by judged_on)

),

final as (

    select
        sums_so_far.experiment_id,
        sums_so_far.judged_on,
        {%- for arm in arms %}
        cast({{ measure_value('kpi_definitions.numerator', arm ~ '_') }} as bigint) as {{ arm }}_successes,
        cast({{ measure_value('kpi_definitions.denominator', arm ~ '_') }} as bigint) as {{ arm }}_trials,
        {%- endfor %}
        cast(sums_so_far.outside_date_count as bigint) as outside_date_count,
        cast(sums_so_far.foreign_row_count as bigint) as foreign_row_count
    from sums_so_far
    left join kpi_definitions
        on sums_so_far.metric = kpi_definitions.kpi

)

select * from final
