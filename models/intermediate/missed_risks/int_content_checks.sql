with definitions as (

    select * from {{ ref('risk_definitions') }}

),

reports as (

    select * from {{ ref('int_asset_reports') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

-- From its first impression on.
running_assets as (

    select
        *,
        sum(impressions) over up_to_report as impressions_so_far,
        min(covered_from) over up_to_report as facts_from
    from reports
    window up_to_report as (partition by asset_id order by reported_on)

),

final as (

    select
        definitions.definition,
        running_assets.asset_id,
        running_assets.reported_on as checked_on,
        running_assets.reported_at as checked_at,
        running_assets.facts_from,
        running_assets.covered_from,
        running_assets.impressions_so_far >= definitions.minimum_sample
        and case definitions.definition
            when 'unapproved_asset_runs' then not assets.is_approved_by_human
            else {{ array_length(json_string_list('assets.risk_flags')) }} > 0
        end as is_met,
        case definitions.definition
            when 'unapproved_asset_runs' then 'runs without approval by a person'
            else 'runs, flagged ' || replace({{ array_text(json_string_list('assets.risk_flags')) }}, '_', ' ')
        end as fact
    from running_assets
    inner join assets using (asset_id)
    inner join definitions
        on definitions.definition in ('unapproved_asset_runs', 'flagged_asset_runs')

)

select * from final
