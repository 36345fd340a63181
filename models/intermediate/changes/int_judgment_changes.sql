with pairs as (

    select * from {{ ref('int_judgment_pairs') }}

),

judged_exports as (

    select count(distinct export_number) as export_count
    from {{ ref('int_judgments') }}
    where recency <= 2

),

judged_changes as (

    select
        *,
        case
            when kind = 'metric' and verdict_before <> verdict_after then 'verdict_moved'
            when kind = 'metric' and (not is_same_figure or has_other_reasons) then 'metric_moved'
            when kind = 'experiment' and coalesce(verdict_before, '') <> coalesce(verdict_after, '')
                then 'verdict_changed'
            when kind = 'risk' and verdict_after is null then 'risk_gone'
            when
                kind = 'risk'
                and verdict_after like 'reviewed%'
                and coalesce(verdict_before, '') not like 'reviewed%'
                then 'risk_reviewed'
            when kind = 'risk' and verdict_after = 'overdue' and coalesce(verdict_before, '') <> 'overdue'
                then 'risk_overdue'
            when kind = 'action' and verdict_after = 'open' and coalesce(verdict_before, '') <> 'open'
                then 'action_new'
            when kind = 'action' and verdict_before = 'open' and verdict_after is null then 'action_gone'
            when kind = 'action' and verdict_after <> 'open' and coalesce(verdict_before, '') <> verdict_after
                then 'action_decided'
        end as change_type
    from pairs
    where 2 = (select judged_exports.export_count from judged_exports)

),

final as (

    select
        change_type,
        record_id,
        item,
        campaign_id,
        label as what,
        {%- for moment in ['before', 'after'] %}
        case
            when kind <> 'metric' then replace(verdict_{{ moment }}, '_', ' ')
            when unit = 'verdict'
                then replace(verdict_{{ moment }}, '_', ' ') || coalesce(': ' || reasons_{{ moment }}, '')
            else
                coalesce({{ metric_text('actual_' ~ moment, 'unit') }}, 'no figure')
                || case verdict_{{ moment }}
                    when 'informational' then ''
                    else ' (' || replace(verdict_{{ moment }}, '_', ' ') || ')'
                end
        end as {{ moment }}_text,
        {%- endfor %}
        case when kind = 'metric' then actual_after / nullif(actual_before, 0) - 1 end as relative_change,
        case
            when kind = 'risk' then item_order
            when kind = 'action' then -item_order
            when kind = 'metric' then abs(actual_after / nullif(actual_before, 0) - 1)
        end as importance
    from judged_changes
    where change_type is not null

)

select * from final
