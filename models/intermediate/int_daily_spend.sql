{#- What spends: kind, id, and where its days are found. -#}
{%- set spenders = [
    ('asset', 'spend_days.asset_id', ''),
    ('experiment', 'spend_days.experiment_id', ''),
    ('segment', "spend_days.campaign_id || ' | ' || spend_days.segment_id", ''),
    ('risk', 'scope.risk_id', 'inner join scope using (asset_id)'),
] -%}

with spend_days as (

    select * from {{ ref('int_spend_days') }}

),

unresolved_signals as (

    select * from {{ ref('int_risk_signals') }}
    where is_unresolved

),

scope as (

    select scope.*
    from {{ ref('int_risk_scope') }} as scope
    inner join unresolved_signals using (risk_id)

),

days as (
    {%- for kind, id, source in spenders %}

    select
        '{{ kind }}' as record_kind,
        {{ id }} as record_id,
        spend_days.day,
        sum(spend_days.spend) as spend
    from spend_days
    {%- if source %}
    {{ source }}
    {%- endif %}
    group by {{ id }}, spend_days.day
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

recent_days as (

    select
        *,
        row_number() over (partition by record_kind, record_id order by day desc) as recency
    from days

),

final as (

    select
        record_kind,
        record_id,
        cast({{ rate('sum(spend)', 'count(*)') }} as decimal(18, 2)) as spend_per_day
    from recent_days
    where
        record_id is not null
        and recency <= {{ var('daily_spend_days') }}
    group by record_kind, record_id

)

select * from final
