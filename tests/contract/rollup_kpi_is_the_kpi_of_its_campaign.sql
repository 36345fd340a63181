{{ config(description="A rollup's primary_kpi is its campaign's.") }}

select
    rollups.rollup_id,
    rollups.campaign_id,
    rollups.primary_kpi,
    campaigns.primary_kpi as campaign_primary_kpi
from {{ ref('stg_segment_rollups') }} as rollups
inner join {{ ref('stg_campaigns') }} as campaigns using (campaign_id)
where rollups.primary_kpi is distinct from campaigns.primary_kpi
