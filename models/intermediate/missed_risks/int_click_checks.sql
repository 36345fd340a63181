with reports as (

    select * from {{ ref('int_asset_reports') }}

),

definitions as (

    select * from {{ ref('risk_definitions') }}
    where definition = 'clicks_without_conversion'

),

so_far as (

    select
        *,
        cast(sum(clicks) over up_to_report as bigint) as clicks_so_far,
        cast(sum(conversions) over up_to_report as bigint) as conversions_so_far,
        min(covered_from) over up_to_report as facts_from
    from reports
    window up_to_report as (partition by asset_id order by reported_on)

),

-- The probability of no conversion only falls with each click, so daily looks do not raise the error rate.
judged as (

    select
        so_far.*,
        definitions.definition,
        coalesce(
            so_far.clicks_so_far >= definitions.minimum_sample
            and so_far.clicks_so_far * ln(1 - definitions.limit_value) <= ln(definitions.level),
            false
        ) as is_enough
    from so_far
    cross join definitions

),

final as (

    select
        definition,
        asset_id,
        reported_on as checked_on,
        reported_at as checked_at,
        facts_from,
        covered_from,
        is_enough and conversions_so_far = 0 as is_met,
        is_enough and conversions_so_far > 0 as is_refuted,
        cast(clicks_so_far as string) || ' clicks and no conversion' as fact
    from judged

)

select * from final
