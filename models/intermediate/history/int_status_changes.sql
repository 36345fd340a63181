with status_log as (

    select * from {{ standing_log(ref('status_log')) }} as standing

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

known_log as (

    select status_log.*
    from status_log
    cross join as_of
    where status_log.seen_at <= as_of.as_of

),

exports as (

    select
        export_number,
        lag(seen_at) over (order by export_number) as previous_export_at
    from known_log
    where dataset is null

),

entries as (

    select
        known_log.dataset,
        known_log.record_id,
        known_log.attribute,
        known_log.campaign_id,
        lag(known_log.value) over (
            partition by known_log.dataset, known_log.record_id, known_log.attribute
            order by known_log.export_number
        ) as from_value,
        known_log.value as to_value,
        exports.previous_export_at,
        known_log.seen_at,
        known_log.export_number
    from known_log
    inner join exports using (export_number)
    where
        known_log.dataset is not null
        and known_log.attribute <> 'row_count'

),

-- What changed back from what an export showed that was taken out did not change, nor did what had no value before.
final as (

    select
        dataset,
        record_id,
        attribute,
        row_number() over (
            partition by dataset, record_id, attribute
            order by export_number
        ) as change_number,
        campaign_id,
        from_value,
        to_value,
        previous_export_at,
        seen_at,
        export_number
    from entries
    where to_value is distinct from from_value

)

select * from final
