{{ config(severity='warn', description='The export holds at least one campaign.') }}

select 'campaigns' as dataset
from {{ ref('stg_campaigns') }}
having count(*) = 0
