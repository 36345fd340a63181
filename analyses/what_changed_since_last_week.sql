-- What changed in the latest complete week, compared with the week before?
select
    change_type,
    record_id,
    campaign_name,
    what,
    before_text,
    after_text,
    relative_change
from {{ ref('what_changed') }}
where comparison = 'week'
order by change_rank
