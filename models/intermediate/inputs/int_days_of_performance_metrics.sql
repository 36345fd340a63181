{{ config(
    materialized = 'incremental_by_day',
    meta = {'by_day': {'dataset': 'performance_metrics', 'column': 'day'}}
) }}

-- What breaks a rule of staging is not accepted, and so is looked at again by the next build.
-- depends_on: {{ ref('stg_performance_metrics') }}

with records as (

    select * from {{ arrived(ref('raw_performance_metrics')) }}

),

{{ days_of_records('performance_metrics') }}

select * from final
