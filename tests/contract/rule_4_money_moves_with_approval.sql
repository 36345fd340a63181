{{ config(tags=['governance']) }}

-- A governance rule skips no mart: a test with warehouse_build among its parents, on which nothing
-- is built, has nothing below it.
-- depends_on: {{ ref('warehouse_build') }}
select *
from {{ ref('contract_violations') }}
where
    rule = 4
    and not is_waived
