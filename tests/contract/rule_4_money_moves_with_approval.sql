{{ config(tags=['governance']) }}

-- A failing governance rule must not skip a mart. With warehouse_build as a parent, which nothing is
-- built from, the test has nothing downstream.
-- depends_on: {{ ref('warehouse_build') }}
select *
from {{ ref('contract_violations') }}
where
    rule = 4
    and not is_waived
