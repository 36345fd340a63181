with findings as (

    select * from {{ ref('int_risk_findings') }}

),

experiments as (

    select * from {{ ref('int_experiments') }}

),

spend_days as (

    select * from {{ ref('int_performance_days') }}

),

assets_of_findings as (

    select
        finding_id,
        covered_from,
        last_seen_on,
        record_id as asset_id
    from findings
    where record_kind = 'asset'

    union all
    {%- for arm in ['control', 'variant'] %}

    select
        findings.finding_id,
        findings.covered_from,
        findings.last_seen_on,
        experiments.{{ arm }}_asset_id as asset_id
    from findings
    inner join experiments
        on findings.record_id = experiments.experiment_id
    where findings.record_kind = 'experiment'
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

final as (

    select
        assets_of_findings.finding_id,
        assets_of_findings.asset_id,
        spend_days.day,
        sum(spend_days.spend) as spend
    from assets_of_findings
    inner join spend_days
        on
            assets_of_findings.asset_id = spend_days.asset_id
            and spend_days.day between assets_of_findings.covered_from and assets_of_findings.last_seen_on
    group by assets_of_findings.finding_id, assets_of_findings.asset_id, spend_days.day

)

select * from final
