{%- set arms = ['control', 'variant'] -%}

with experiments as (

    select * from {{ ref('int_experiments') }}

),

performance as (

    select * from {{ ref('int_performance') }}

),

coverage as (

    select * from {{ ref('int_performance_coverage') }}

),

rows_of_experiments as (

    select
        experiments.*,
        performance.asset_id,
        performance.recorded_date as judged_on,
        performance.impressions,
        performance.clicks,
        performance.conversions,
        performance.cost,
        coverage.covered_from
    from experiments
    left join performance using (experiment_id)
    left join coverage
        on
            performance.asset_id = coverage.asset_id
            and performance.recorded_date = coverage.recorded_date

),

final as (

    select
        experiment_id,
        judged_on,
        {%- for arm in arms %}
        {%- for measure in ['impressions', 'clicks', 'conversions', 'cost'] %}
        sum(case when asset_id = {{ arm }}_asset_id then {{ measure }} else 0 end) as {{ arm }}_{{ measure }},
        {%- endfor %}
        {%- endfor %}
        -- Days that both arms cover; none where an arm has no row.
        case
            when count(case when asset_id = control_asset_id then 1 end) = 0 then 0
            when count(case when asset_id = variant_asset_id then 1 end) = 0 then 0
            else {{ days_between(
                "greatest(max(case when asset_id = control_asset_id then covered_from end),"
                ~ " max(case when asset_id = variant_asset_id then covered_from end))", "judged_on"
            ) }} + 1
        end as days_covered,
        count(case
            when
                asset_id in (control_asset_id, variant_asset_id)
                and not judged_on between start_date and coalesce(end_date, judged_on)
                then 1
        end) as outside_date_count,
        -- Contract rule 3 forbids these, so they occur only where a breach is waived.
        count(case when asset_id not in (control_asset_id, variant_asset_id) then 1 end) as foreign_row_count
    from rows_of_experiments
    group by experiment_id, judged_on

)

select * from final
