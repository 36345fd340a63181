with campaigns as (

    select * from {{ ref('stg_campaigns') }}

),

experiments as (

    select * from {{ ref('stg_experiments') }}

),

final as (

    select
        1 as rule,
        campaigns.campaign_id as record_key,
        campaigns.campaign_id,
        'campaign has no experiment' as what_is_wrong
    from campaigns
    left join experiments using (campaign_id)
    where experiments.experiment_id is null

)

select * from final
