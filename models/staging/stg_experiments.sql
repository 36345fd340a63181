with source as (

    select * from {{ ref('raw_experiments') }}

),

final as (

    select
        experiment_id,
        campaign_id,
        control_asset as control_asset_id,
        variant_asset as variant_asset_id,

        type as experiment_type,
        metric,
        status,

        cast(start_date as date) as start_date,
        cast(end_date as date) as end_date
    from source

)

select * from final
