-- What changed since the previous export?
select
    change_type,
    record_id,
    campaign_name,
    what,
    before_text,
    after_text
from {{ ref('what_changed') }}
where comparison = 'export'
order by change_rank
