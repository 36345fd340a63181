{{ config(meta = {'by_day': {'dataset': 'performance_metrics', 'column': 'day'}}) }}

-- A day that breaks a rule of staging is not accepted, and so is judged again by the next build.
-- depends_on: {{ ref('stg_performance_metrics') }}

with records as (

    select * from {{ ref('raw_performance_metrics') }}

),

{{ days_of_records('performance_metrics') }}

select * from final
