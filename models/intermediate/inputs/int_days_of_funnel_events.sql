{{ config(meta = {'by_day': {'dataset': 'funnel_events', 'column': 'day'}}) }}

-- A day that breaks a rule of staging is not accepted, and so is judged again by the next build.
-- depends_on: {{ ref('stg_funnel_events') }}

with records as (

    select * from {{ ref('raw_funnel_events') }}

),

{{ days_of_records('funnel_events') }}

select * from final
