select *
from {{ ref('contract_violations') }}
where
    rule = 2
    and not is_waived
