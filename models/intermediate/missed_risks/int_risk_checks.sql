with definitions as (

    select * from {{ ref('risk_definitions') }}

),

click_checks as (

    select * from {{ ref('int_click_checks') }}

),

rate_checks as (

    select * from {{ ref('int_rate_checks') }}

),

spend_checks as (

    select * from {{ ref('int_spend_checks') }}

),

gap_checks as (

    select * from {{ ref('int_tracking_gap_checks') }}

),

reports as (

    select * from {{ ref('int_asset_reports') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

experiments as (

    select * from {{ ref('int_experiments') }}

),

performance as (

    select * from {{ ref('int_performance') }}

),

experiment_health as (

    select * from {{ ref('int_experiment_health') }}

),

-- From its first impression on.
running_assets as (

    select
        *,
        sum(impressions) over (partition by asset_id order by reported_on) as impressions_so_far
    from reports

),

content_checks as (

    select
        definitions.definition,
        running_assets.asset_id,
        running_assets.reported_on as checked_on,
        running_assets.reported_at as checked_at,
        running_assets.impressions_so_far >= definitions.minimum_sample as is_enough,
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

),

reports_of_experiments as (

    select
        experiment_id,
        recorded_date,
        max(recorded_at) as reported_at
    from performance
    where experiment_id is not null
    group by experiment_id, recorded_date

),

checks as (

    select
        definition,
        'asset' as record_kind,
        asset_id as record_id,
        checked_on,
        checked_at,
        cast(null as date) as facts_from,
        checked_on as held_until,
        is_enough,
        is_met,
        fact
    from click_checks

    union all

    select
        definition,
        'asset' as record_kind,
        asset_id as record_id,
        checked_on,
        checked_at,
        cast(null as date) as facts_from,
        checked_on as held_until,
        is_enough,
        is_met,
        fact
    from rate_checks

    union all

    select
        definition,
        'asset' as record_kind,
        asset_id as record_id,
        checked_on,
        checked_at,
        facts_from,
        checked_on as held_until,
        is_enough,
        is_met,
        fact
    from spend_checks

    union all

    select
        definition,
        'asset' as record_kind,
        asset_id as record_id,
        checked_on,
        {{ end_of_day('checked_on') }} as checked_at,
        facts_from,
        held_until,
        is_enough,
        is_met,
        fact
    from gap_checks

    union all

    select
        definition,
        'asset' as record_kind,
        asset_id as record_id,
        checked_on,
        checked_at,
        cast(null as date) as facts_from,
        checked_on as held_until,
        is_enough,
        is_met,
        fact
    from content_checks

    union all

    select
        'broken_split' as definition,
        'experiment' as record_kind,
        experiment_health.experiment_id as record_id,
        experiment_health.judged_on as checked_on,
        reports_of_experiments.reported_at as checked_at,
        cast(null as date) as facts_from,
        experiment_health.judged_on as held_until,
        experiment_health.srm_p_value is not null as is_enough,
        coalesce(experiment_health.srm_p_value < {{ var('srm_alpha') }}, false) as is_met,
        'its arms are not split as planned' as fact
    from experiment_health
    inner join reports_of_experiments
        on
            experiment_health.experiment_id = reports_of_experiments.experiment_id
            and experiment_health.judged_on = reports_of_experiments.recorded_date

),

final as (

    select
        checks.*,
        coalesce(experiments.campaign_id, assets.campaign_id) as campaign_id
    from checks
    left join assets
        on
            checks.record_kind = 'asset'
            and checks.record_id = assets.asset_id
    left join experiments
        on
            checks.record_kind = 'experiment'
            and checks.record_id = experiments.experiment_id

)

select * from final
