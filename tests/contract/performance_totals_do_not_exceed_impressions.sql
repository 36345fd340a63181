{{ config(
    description="Over all its rows an asset has in an experiment at most as many clicks and conversions as impressions. In
        one row, or on one day, it can have more: late ones have no impression of their own.",
) }}

-- Of snapshots, not of days that are summed: all that is made of performance lies below, and is skipped.
select
    'performance_metrics' as dataset,
    asset_id,
    experiment_id,
    sum(impressions) as total_impressions,
    sum(clicks) as total_clicks,
    sum(conversions) as total_conversions
from {{ ref('int_performance_snapshots') }}
where experiment_id is not null
group by asset_id, experiment_id
having
    sum(clicks) > sum(impressions)
    or sum(conversions) > sum(impressions)
