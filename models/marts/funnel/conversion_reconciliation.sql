{%- set stages = var('funnel_stages') -%}

with periods as (

    select * from {{ ref('int_conversion_periods') }}

),

funnel as (

    select * from {{ ref('int_funnel_daily') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

segments as (

    select * from {{ ref('int_segments') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

-- One row per day, since equal days can be joined by hash; a range would be compared with all days of its segment.
period_days as (

    select
        campaign_id,
        segment_id,
        channel_id,
        funnel_stage,
        period_number,
        {{ each_day('covered_from', 'covered_until') }} as event_date
    from periods

),

counted_days as (

    select
        period_days.campaign_id,
        period_days.segment_id,
        period_days.channel_id,
        period_days.period_number,
        case period_days.funnel_stage
            {%- for stage in stages %}
            when '{{ stage }}' then funnel.{{ stage }}_count
            {%- endfor %}
        end as funnel_count,
        case period_days.funnel_stage
            {%- for stage in stages %}
            when '{{ stage }}' then funnel.{{ stage }}_confidence
            {%- endfor %}
        end as confidence
    from period_days
    inner join funnel using (campaign_id, segment_id, channel_id, event_date)

),

funnel_totals as (

    select
        campaign_id,
        segment_id,
        channel_id,
        period_number,
        sum(funnel_count) as funnel_count,
        count(funnel_count) as measured_days,
        min(confidence) as confidence
    from counted_days
    group by campaign_id, segment_id, channel_id, period_number

),

compared as (

    select
        periods.*,
        {{ days_between('periods.covered_from', 'periods.covered_until') }} + 1 as covered_days,
        funnel_totals.funnel_count,
        funnel_totals.measured_days,
        funnel_totals.confidence
    from periods
    inner join funnel_totals using (campaign_id, segment_id, channel_id, period_number)
    -- Without a measured day there is nothing to compare.
    where funnel_totals.measured_days > 0

),

final as (

    select
        compared.campaign_id,
        compared.segment_id,
        compared.channel_id,
        compared.covered_from,
        compared.covered_until,
        campaigns.campaign_name,
        segments.segment_name,
        channels.channel_label,
        compared.primary_kpi,
        compared.funnel_stage,
        cast(compared.covered_days as integer) as covered_days,
        cast(compared.measured_days as integer) as measured_days,
        cast(compared.funnel_count as bigint) as funnel_count,
        cast(compared.performance_count as bigint) as performance_count,
        cast(compared.funnel_count - compared.performance_count as bigint) as difference,
        compared.confidence,
        case
            -- More on some days than performance has on all of them.
            when compared.funnel_count > compared.performance_count then 'mismatch'
            when compared.measured_days < compared.covered_days then 'not_comparable'
            when compared.funnel_count = compared.performance_count then 'match'
            else 'mismatch'
        end as status
    from compared
    inner join campaigns using (campaign_id)
    inner join segments using (segment_id)
    inner join channels using (channel_id)

)

select * from final
