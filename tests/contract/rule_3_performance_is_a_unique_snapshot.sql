select *
from {{ ref('contract_violations') }}
where
    rule = 3
    and not is_waived
