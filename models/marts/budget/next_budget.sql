with context as (

    select * from {{ ref('int_channel_context') }}

),

risks as (

    select * from {{ ref('int_channel_risks') }}

),

obstacles as (

    select * from {{ ref('int_channel_obstacles') }}

),

yields as (

    select * from {{ ref('int_channel_comparisons') }}

),

marginals as (

    select * from {{ ref('int_channel_marginal_costs') }}

),

budget_weeks as (

    select * from {{ ref('int_budget_weeks') }}

),

pacing as (

    select * from {{ ref('campaign_pacing') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

collected as (

    select
        context.*,
        pacing.campaign_name,
        channels.channel_label,
        pacing.currency,
        pacing.status as campaign_status,
        pacing.pacing_status,
        budget_weeks.window_start,
        budget_weeks.window_end,
        yields.days_covered,
        yields.reports,
        yields.impressions,
        yields.conversions,
        yields.spend,
        yields.revenue_proxy,
        yields.cost_per_conversion,
        yields.cost_per_conversion_low,
        yields.cost_per_conversion_high,
        yields.return_on_ad_spend,
        yields.return_on_ad_spend_low,
        yields.return_on_ad_spend_high,
        yields.others_cost_per_conversion,
        yields.relative_yield,
        yields.relative_yield_low,
        yields.relative_yield_high,
        yields.evidence_status,
        marginals.spend_variation,
        marginals.marginal_cost_per_conversion,
        marginals.marginal_low,
        marginals.marginal_high,
        marginals.marginal_status,
        risks.open_risks,
        risks.worst_open_severity,
        obstacles.reasons_against,
        obstacles.reasons_against is null as is_candidate
    from context
    cross join budget_weeks
    inner join pacing
        on context.campaign_id = pacing.campaign_id
    inner join channels
        on context.channel_id = channels.channel_id
    inner join obstacles
        on
            context.campaign_id = obstacles.campaign_id
            and context.channel_id = obstacles.channel_id
    {%- for relation in ['risks', 'yields', 'marginals'] %}
    left join {{ relation }}
        on
            context.campaign_id = {{ relation }}.campaign_id
            and context.channel_id = {{ relation }}.channel_id
    {%- endfor %}

),

final as (

    select
        campaign_id,
        channel_id,
        campaign_name,
        channel_label,
        campaign_status,
        pacing_status,
        window_start,
        window_end,
        cast(coalesce(days_covered, 0) as integer) as days_covered,
        cast(coalesce(reports, 0) as integer) as reports,
        currency,
        cast(impressions as bigint) as impressions,
        cast(conversions as bigint) as conversions,
        cast(spend as decimal(18, 2)) as spend,
        cast(revenue_proxy as decimal(18, 2)) as revenue_proxy,
        cost_per_conversion,
        cost_per_conversion_low,
        cost_per_conversion_high,
        return_on_ad_spend,
        return_on_ad_spend_low,
        return_on_ad_spend_high,
        others_cost_per_conversion,
        relative_yield,
        relative_yield_low,
        relative_yield_high,
        coalesce(evidence_status, 'not_enough') as evidence_status,
        spend_variation,
        marginal_cost_per_conversion,
        marginal_low,
        marginal_high,
        coalesce(marginal_status, 'not_enough') as marginal_status,
        segments,
        segment_priority,
        cast(coalesce(open_risks, 0) as integer) as open_risks,
        worst_open_severity,
        experiments_under_way,
        coalesce({{ approval_threshold('currency') }}, cast(0 as decimal(18, 2))) as approval_needed_from,
        is_candidate,
        reasons_against,
        channel_label
        || case
            when conversions > 0
                then
                    ': a conversion cost ' || currency || ' ' || {{ money_text(as_money('cost_per_conversion')) }}
                    || coalesce(
                        ' (' || {{ money_text(as_money('cost_per_conversion_low')) }} || ' to '
                        || {{ money_text(as_money('cost_per_conversion_high')) }} || ')',
                        ''
                    )
            when conversions = 0
                then ': no conversion for ' || currency || ' ' || {{ money_text('cast(spend as decimal(18, 2))') }}
            when window_end is null then ': no week is complete yet'
            else ': nothing ran'
        end
        || coalesce(' in the weeks from ' || cast(window_start as string) || ' to ' || cast(window_end as string), '')
        || coalesce(
            ', ' || {{ money_text(as_money('others_cost_per_conversion')) }}
            || ' on the other channels of the campaign',
            case when evidence_status = 'better' then ', the campaign''s other channels brought none' end,
            ''
        )
        || case evidence_status
            when 'better' then ': surely less than there'
            when 'worse' then ': surely more than there'
            when 'unclear' then ': which of them yields more is unclear'
            else ''
        end as reason,
        case
            when is_candidate
                then
                    cast(row_number() over (
                        partition by campaign_id, is_candidate
                        order by cost_per_conversion_high asc nulls last, channel_id asc
                    ) as integer)
        end as budget_rank,
        case
            when is_candidate and return_on_ad_spend_low is not null
                then
                    cast(row_number() over (
                        partition by is_candidate
                        order by return_on_ad_spend_low desc nulls last, campaign_id asc, channel_id asc
                    ) as integer)
        end as return_rank
    from collected

)

select * from final
