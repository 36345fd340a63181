{%- set obstacles = [
    'inactive_campaign',
    'used_up_budget',
    'escalating_risks',
    'unhealthy_experiments',
    'unapproved_assets',
    'converts_nobody',
    'too_few_reports',
    'too_few_conversions',
    'varies_too_much',
    'yields_less',
] -%}

with context as (

    select * from {{ ref('int_channel_context') }}

),

risks as (

    select * from {{ ref('int_channel_risks') }}

),

yields as (

    select * from {{ ref('int_channel_comparisons') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

pacing as (

    select * from {{ ref('campaign_pacing') }}

),

explained as (

    select
        context.campaign_id,
        context.channel_id,
        case
            when campaigns.status <> 'active' then 'the campaign is ' || campaigns.status
            when campaigns.has_ended then 'the campaign ended on ' || cast(campaigns.end_date as string)
        end as inactive_campaign,
        case
            when pacing.metered_spend >= pacing.budget
                then
                    'the campaign has spent ' || pacing.currency || ' ' || {{ money_text('pacing.metered_spend') }}
                    || ' of its budget of ' || {{ money_text('pacing.budget') }}
        end as used_up_budget,
        case
            when risks.has_escalating_risk
                then
                    'unresolved risk signals: ' || cast(risks.open_risks as string) || ', the worst '
                    || risks.worst_open_severity
        end as escalating_risks,
        'unhealthy experiments: ' || context.unhealthy_experiments as unhealthy_experiments,
        'assets run without approval by a person: ' || context.unapproved_assets as unapproved_assets,
        case
            when yields.conversions = 0 and yields.impressions >= {{ var('rollup_minimum_impressions') }}
                then 'no conversion from ' || cast(yields.impressions as string) || ' impressions'
        end as converts_nobody,
        case
            when coalesce(yields.spend_reports, 0) < {{ var('next_budget_minimum_reports') }}
                then
                    'too little is known: ' || cast(coalesce(yields.spend_reports, 0) as string) || ' of '
                    || '{{ var("next_budget_minimum_reports") }} days with a report of spend'
        end as too_few_reports,
        case
            when
                yields.conversions < {{ var('next_budget_minimum_conversions') }}
                and (yields.conversions > 0 or yields.impressions < {{ var('rollup_minimum_impressions') }})
                then
                    'too little is known: ' || cast(yields.conversions as string) || ' of '
                    || '{{ var("next_budget_minimum_conversions") }} conversions'
        end as too_few_conversions,
        case
            when
                not yields.is_enough_to_tell
                and yields.spend_reports >= {{ var('next_budget_minimum_reports') }}
                and yields.conversions >= {{ var('next_budget_minimum_conversions') }}
                then 'too little is known: its days vary too much'
        end as varies_too_much,
        case
            when yields.evidence_status = 'worse'
                then 'money surely yields less than on the other channels of the campaign'
        end as yields_less
    from context
    inner join campaigns
        on context.campaign_id = campaigns.campaign_id
    inner join pacing
        on context.campaign_id = pacing.campaign_id
    left join risks
        on
            context.campaign_id = risks.campaign_id
            and context.channel_id = risks.channel_id
    left join yields
        on
            context.campaign_id = yields.campaign_id
            and context.channel_id = yields.channel_id

),

final as (

    select
        campaign_id,
        channel_id,
        nullif({{ joined_reasons(obstacles) }}, '') as reasons_against
    from explained

)

select * from final
