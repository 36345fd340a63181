{{ config(severity='warn', description='A waiver that matches no breach is misspelt, or no longer needed.') }}

select waivers.*
from {{ ref('contract_waivers') }} as waivers
left join {{ ref('contract_violations') }} as violations
    on
        waivers.rule = violations.rule
        and waivers.record_key = violations.record_key
where violations.record_key is null
