with experiments as (

    select * from {{ ref('int_experiments') }}

),

verdicts as (

    select * from {{ ref('int_experiment_verdicts') }}

),

comparisons as (

    select * from {{ ref('int_experiment_comparisons') }}

),

designs as (

    select * from {{ ref('int_experiment_designs') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

called_experiments as (

    select
        experiments.experiment_id,
        experiments.campaign_id,
        experiments.start_date,
        experiments.end_date,
        {{ days_between('experiments.start_date', 'experiments.end_date') }} + 1 as days_run,
        least(
            {{ days_between('experiments.end_date', 'campaigns.end_date') }},
            {{ var('experiment_maximum_days') }} - 1
            - {{ days_between('experiments.start_date', 'experiments.end_date') }}
        ) as days_left,
        coalesce(designs.planned_end_date <= experiments.end_date, false) as is_declared_date_reached,
        -- The export has no time for a pause or early end of a campaign.
        campaigns.status = 'paused'
        or (campaigns.status = 'completed' and campaigns.end_date > as_of.as_of_date) as may_have_ended_with_campaign
    from experiments
    cross join as_of
    inner join campaigns
        on experiments.campaign_id = campaigns.campaign_id
    inner join designs
        on experiments.experiment_id = designs.experiment_id
    where
        experiments.status = 'completed'
        and experiments.end_date is not null

),

-- The call is judged by the data known when it was made.
looks_until_call as (

    select
        verdicts.experiment_id,
        verdicts.health,
        verdicts.unhealthy_reasons,
        verdicts.is_significant,
        verdicts.ratio_high,
        verdicts.days_needed,
        comparisons.is_end_reached,
        row_number() over (partition by verdicts.experiment_id order by verdicts.judged_on desc nulls last) as recency
    from verdicts
    inner join called_experiments
        on
            verdicts.experiment_id = called_experiments.experiment_id
            and verdicts.judged_on <= called_experiments.end_date
    inner join comparisons
        on
            verdicts.experiment_id = comparisons.experiment_id
            and verdicts.judged_on = comparisons.judged_on
            and comparisons.comparison = 'metric'

),

grounds as (

    select
        called_experiments.experiment_id,
        called_experiments.campaign_id,
        called_experiments.end_date,
        called_experiments.days_run,
        looks.unhealthy_reasons,
        case
            when coalesce(looks.health, 'no_data') in ('no_data', 'unhealthy') then coalesce(looks.health, 'no_data')
            when looks.is_significant then 'decided'
            when looks.ratio_high < 1 + {{ var('minimum_lift_to_scale') }} then 'no_lift'
            when looks.is_end_reached or called_experiments.is_declared_date_reached then 'declared_end'
            when called_experiments.days_left <= 0 or looks.days_needed > called_experiments.days_left then 'no_time'
            when called_experiments.may_have_ended_with_campaign then 'campaign'
            else 'early'
        end as ground
    from called_experiments
    left join looks_until_call as looks
        on
            called_experiments.experiment_id = looks.experiment_id
            and looks.recency = 1

),

final as (

    select
        experiment_id,
        campaign_id,
        end_date,
        case
            when ground in ('no_data', 'unhealthy', 'campaign') then 'not_checkable'
            when ground = 'early' then 'not_borne_out'
            else 'borne_out'
        end as outcome,
        case ground
            when 'no_data' then 'No day until its end has data of both arms.'
            when 'unhealthy' then 'It was unhealthy: ' || unhealthy_reasons || '.'
            when 'decided' then 'The test had decided.'
            when 'no_lift' then 'A lift worth scaling was ruled out.'
            when 'declared_end' then 'Its declared end was reached.'
            when 'no_time' then 'The days left could not have decided it.'
            when 'campaign' then 'Its campaign was paused or ended before its time, and may have ended it.'
            else 'It was called after ' || cast(days_run as string) || ' days, before anything was decided.'
        end as reason
    from grounds

)

select * from final
