{{ config(meta = {'by_day': {'dataset': 'funnel_events', 'column': 'day'}}) }}

-- A day that fails a test of staging is not accepted, so the next build tests it again.
-- depends_on: {{ ref('stg_funnel_events') }}

with records as (

    select * from {{ ref('raw_funnel_events') }}

),

{{ days_of_records('funnel_events') }}

select * from final
