with decisions as (

    select * from {{ ref('stg_orchestrator_decisions') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

final as (

    select decisions.*
    from decisions
    cross join as_of
    where decisions.decided_at <= as_of.as_of

)

select * from final
