with judgment_log as (

    select * from {{ ref('judgment_log') }}

),

exports as (

    select * from {{ ref('int_exports') }}

),

final as (

    select
        judgment_log.*,
        exports.seen_at,
        exports.recency
    from judgment_log
    inner join exports using (export_number)

)

select * from final
