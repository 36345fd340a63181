with checks as (

    select * from {{ ref('int_risk_checks') }}

),

definitions as (

    select * from {{ ref('risk_definitions') }}

),

severities as (

    select * from {{ ref('risk_severities') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

numbered_checks as (

    select
        *,
        row_number() over (
            partition by definition, record_id
            order by checked_on
        ) as check_number,
        row_number() over (
            partition by definition, record_id, is_met
            order by checked_on
        ) as number_alike,
        max(checked_on) over (partition by definition, record_id) as newest_check_on
    from checks

),

-- An unbroken run of checks that meet the definition is one episode, known from its first check on.
episodes as (

    select
        definition,
        record_kind,
        record_id,
        campaign_id,
        min(checked_on) as first_seen_on,
        min(checked_at) as first_seen_at,
        min(facts_from) as facts_from,
        min(covered_from) as covered_from,
        max(held_until) as last_seen_on,
        max(checked_on) = max(newest_check_on) as is_current
    from numbered_checks
    where is_met
    group by definition, record_kind, record_id, campaign_id, check_number - number_alike

),

final as (

    select
        episodes.definition || ' ' || episodes.record_id || ' ' || cast(episodes.first_seen_on as string) as finding_id,
        episodes.definition,
        definitions.risk_type,
        definitions.severity,
        severities.severity_rank,
        episodes.record_kind,
        episodes.record_id,
        episodes.campaign_id,
        episodes.first_seen_on,
        episodes.first_seen_at,
        episodes.facts_from,
        episodes.covered_from,
        episodes.last_seen_on,
        -- An asset without recent reports was taken down.
        episodes.is_current
        and {{ end_of_day(add_days('episodes.last_seen_on', var('running_asset_days'))) }} >= as_of.as_of as is_current,
        newest.fact
    from episodes
    cross join as_of
    inner join definitions
        on episodes.definition = definitions.definition
    inner join severities
        on definitions.severity = severities.severity
    inner join checks as newest
        on
            episodes.definition = newest.definition
            and episodes.record_id = newest.record_id
            and episodes.last_seen_on = newest.held_until
            and newest.is_met

)

select * from final
