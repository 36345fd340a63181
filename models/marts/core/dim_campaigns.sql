with campaigns as (

    select * from {{ ref('int_campaigns') }}

),

kpi_definitions as (

    select * from {{ ref('kpi_definitions') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

final as (

    select
        campaigns.campaign_id,
        campaigns.campaign_name,
        campaigns.objective,
        campaigns.primary_kpi,
        coalesce(kpi_definitions.kpi_label, campaigns.primary_kpi) as primary_kpi_label,
        campaigns.status,
        campaigns.hypothesis,
        cast(campaigns.budget as decimal(18, 2)) as budget,
        '{{ var("reporting_currency") }}' as currency,
        campaigns.start_date,
        campaigns.end_date,
        cast({{ days_between('campaigns.start_date', 'campaigns.end_date') }} + 1 as integer) as planned_days,
        campaigns.status in ('paused', 'completed') or campaigns.end_date < as_of.as_of_date as has_ended,
        campaigns.created_at
    from campaigns
    cross join as_of
    left join kpi_definitions
        on campaigns.primary_kpi = kpi_definitions.kpi
    where campaigns.created_at <= as_of.as_of

)

select * from final
