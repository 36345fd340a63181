{%- set spenders = {
    'asset': 'asset_id',
    'experiment': 'experiment_id',
    'segment': "campaign_id || ' | ' || segment_id",
} -%}

with spend_days as (

    select * from {{ ref('int_performance_days') }}

),

scope as (

    select * from {{ ref('int_risk_scope') }}

),

unresolved_signals as (

    select * from {{ ref('int_risk_signals') }}
    where is_unresolved

),

days as (
    {%- for kind, id in spenders.items() %}

    select
        '{{ kind }}' as record_kind,
        {{ id }} as record_id,
        day,
        sum(spend) as spend
    from spend_days
    group by {{ id }}, day

    union all
    {%- endfor %}

    select
        'risk' as record_kind,
        scope.risk_id as record_id,
        spend_days.day,
        sum(spend_days.spend) as spend
    from scope
    inner join unresolved_signals
        on scope.risk_id = unresolved_signals.risk_id
    inner join spend_days
        on scope.asset_id = spend_days.asset_id
    group by scope.risk_id, spend_days.day

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
        -- In whole cents, whose halves both engines round alike.
        cast(
            cast(round(cast(sum(spend) * 100 as double) / count(*)) as decimal(18, 0)) * 0.01 as decimal(18, 2)
        ) as spend_per_day
    from recent_days
    where
        record_id is not null
        and recency <= {{ var('daily_spend_days') }}
    group by record_kind, record_id

)

select * from final
