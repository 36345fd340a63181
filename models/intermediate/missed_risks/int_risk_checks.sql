with click_checks as (

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

content_checks as (

    select * from {{ ref('int_content_checks') }}

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

reports_of_experiments as (

    select
        experiment_id,
        recorded_date,
        max(recorded_at) as reported_at
    from performance
    where experiment_id is not null
    group by experiment_id, recorded_date

),

asset_checks as (
    {%- for checks, covered_from, checked_at, held_until, is_refuted in [
        ('click_checks', 'covered_from', 'checked_at', 'checked_on', 'is_refuted'),
        ('rate_checks', 'covered_from', 'checked_at', 'checked_on', 'is_refuted'),
        ('spend_checks', 'covered_from', 'checked_at', 'checked_on', 'is_refuted'),
        ('gap_checks', 'checked_on', end_of_day('checked_on'), 'held_until', 'false'),
        ('content_checks', 'covered_from', 'checked_at', 'checked_on', 'false'),
    ] %}

    select
        definition,
        asset_id,
        checked_on,
        {{ checked_at }}{{ ' as checked_at' if checked_at != 'checked_at' }},
        facts_from,
        {{ covered_from }}{{ ' as covered_from' if covered_from != 'covered_from' }},
        {{ held_until }}{{ ' as held_until' if held_until != 'held_until' }},
        is_met,
        {{ is_refuted }}{{ ' as is_refuted' if is_refuted != 'is_refuted' }},
        fact
    from {{ checks }}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

checks as (

    select
        definition,
        'asset' as record_kind,
        asset_id as record_id,
        checked_on,
        checked_at,
        facts_from,
        covered_from,
        held_until,
        is_met,
        is_refuted,
        fact
    from asset_checks

    union all

    select
        'broken_split' as definition,
        'experiment' as record_kind,
        experiment_health.experiment_id as record_id,
        experiment_health.judged_on as checked_on,
        reports_of_experiments.reported_at as checked_at,
        min(experiment_health.judged_on) over (partition by experiment_health.experiment_id) as facts_from,
        experiment_health.judged_on as covered_from,
        experiment_health.judged_on as held_until,
        experiment_health.has_sample_ratio_mismatch as is_met,
        false as is_refuted,
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
