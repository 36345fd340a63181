{{ config(materialized = 'view') }}

with final as (

    select * from {{ ref('int_budget_move_windows') }}

)

select * from final
