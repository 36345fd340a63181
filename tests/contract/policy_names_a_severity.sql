{{ config(description='escalation_severity_minimum is one of the severities in seeds/reference/risk_severities.csv.') }}

select '{{ var("escalation_severity_minimum") }}' as escalation_severity_minimum
from {{ ref('risk_severities') }}
having count(case when severity = '{{ var("escalation_severity_minimum") }}' then 1 end) = 0
