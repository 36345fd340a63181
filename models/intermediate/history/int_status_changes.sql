with status_log as (

    select * from {{ standing_log(ref('status_log')) }} as standing

),

exports as (

    select * from {{ ref('int_exports') }}

),

entries as (

    select
        status_log.dataset,
        status_log.record_id,
        status_log.attribute,
        status_log.campaign_id,
        lag(status_log.value) over (
            partition by status_log.dataset, status_log.record_id, status_log.attribute
            order by status_log.export_number
        ) as from_value,
        status_log.value as to_value,
        exports.previous_export_at,
        exports.seen_at,
        status_log.export_number
    from status_log
    inner join exports using (export_number)
    where
        status_log.dataset is not null
        and status_log.attribute <> 'row_count'

),

-- A value that only changed in an export that was taken out did not change, nor did one without an earlier value.
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
