select *
from {{ ref('contract_violations') }}
where
    rule = 1
    and not is_waived
