{{ config(
    materialized = 'incremental_by_day',
    meta = {'by_day': {'dataset': 'performance_metrics', 'column': 'recorded_date'}}
) }}

{#- The version of the snapshots, not of the latest raw data, since snapshots can be older. -#}
{%- set content_of = "split_part(min(snapshots.content_version), '-', 1)" %}

with snapshots as (

    select * from {{ ref('int_performance_snapshots') }}
    {%- if is_incremental() %}
    where recorded_date in {{ new_days('performance_metrics') }}
    {%- endif %}

),

final as (

    select
        snapshots.asset_id,
        snapshots.experiment_id,
        snapshots.recorded_date,
        cast(sum(snapshots.impressions) as bigint) as impressions,
        cast(sum(snapshots.clicks) as bigint) as clicks,
        cast(sum(snapshots.conversions) as bigint) as conversions,
        cast(sum(snapshots.cost) as decimal(18, 6)) as spend,
        cast(sum(snapshots.revenue_proxy) as decimal(18, 6)) as revenue_proxy,
        {{ content_version(model.name, 'performance_metrics', content_of) }} as content_version
    from snapshots
    group by snapshots.asset_id, snapshots.experiment_id, snapshots.recorded_date

)

select * from final
