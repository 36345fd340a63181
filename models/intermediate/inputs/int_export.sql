with inputs as (

    select * from {{ ref('int_inputs') }}

),

final as (

    select md5({{ string_list("dataset || '=' || content_hash", 'dataset', ',') }}) as export_hash
    from inputs

)

select * from final
