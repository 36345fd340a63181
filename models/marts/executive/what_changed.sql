{#- Most important first; within a kind by severity, rank, amount or size. -#}
{%- set change_types = [
    'nothing_to_compare',
    'verdict_moved',
    'risk_overdue',
    'risk_raised',
    'money_moved',
    'verdict_changed',
    'action_decided',
    'performance_moved',
    'action_new',
    'risk_reviewed',
    'risk_closed',
    'risk_gone',
    'metric_moved',
    'action_gone',
    'status_changed',
] -%}

with campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

changes as (
    {%- for comparison in ['export', 'week'] %}

    select
        '{{ comparison }}' as comparison,
        compared_from,
        compared_to,
        change_type,
        record_id,
        item,
        campaign_id,
        what,
        before_text,
        after_text,
        relative_change,
        cast(importance as double) as importance,
        changed_at
    from {{ ref('int_' ~ comparison ~ '_changes') }}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

ordered as (

    select
        *,
        case
            -- A campaign's status changes much else.
            when item like 'campaigns.%' then 2
            {%- for change_type in change_types %}
            when change_type = '{{ change_type }}' then {{ loop.index }}
            {%- endfor %}
        end as type_order
    from changes
    -- Risks, approvals and moves of money have another row with more detail.
    where
        change_type <> 'status_changed'
        or not (
            item like 'campaign_risk_signals.%'
            or item like 'budget_actions.appro%'
            or (item like 'budget_actions.status%' and after_text in ('executed', 'rolled_back'))
        )

),

final as (

    select
        cast(row_number() over (
            order by
                ordered.comparison asc,
                ordered.type_order asc,
                ordered.importance desc nulls last,
                ordered.record_id asc,
                ordered.item asc
        ) as integer) as change_rank,
        ordered.comparison,
        ordered.compared_from,
        ordered.compared_to,
        case ordered.change_type when 'verdict_moved' then 'metric_moved' else ordered.change_type end as change_type,
        ordered.record_id,
        ordered.item,
        ordered.campaign_id,
        campaigns.campaign_name,
        ordered.what,
        ordered.before_text,
        ordered.after_text,
        cast(ordered.relative_change as double) as relative_change,
        ordered.changed_at
    from ordered
    left join campaigns using (campaign_id)

)

select * from final
