{{ config(
    description="An asset has at most as many clicks and conversions as impressions over all its rows in an experiment.
        A single row or day can have more, since late ones come without an impression.",
) }}

-- Reads snapshots, not summed days, so that everything built from performance is downstream and is skipped.
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
