with judgments as (

    select * from {{ ref('int_judgments') }}
    where kind = 'metric'

),

final as (

    select
        export_number,
        record_id as metric,
        seen_at,
        item_order as metric_order,
        label as metric_label,
        unit,
        actual,
        target,
        verdict,
        reasons
    from judgments

)

select * from final
