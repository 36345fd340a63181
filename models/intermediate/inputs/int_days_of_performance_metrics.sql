{{ config(meta = {'by_day': {'dataset': 'performance_metrics', 'column': 'day'}}) }}

-- A day that fails a test of staging is not accepted, so the next build tests it again.
-- depends_on: {{ ref('stg_performance_metrics') }}

with records as (

    select * from {{ ref('raw_performance_metrics') }}

),

{{ days_of_records('performance_metrics') }}

select * from final
