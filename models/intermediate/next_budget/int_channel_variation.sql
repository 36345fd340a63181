{%- set measures = ['conversions', 'revenue_proxy'] -%}

with asset_reports as (

    select * from {{ ref('int_channel_reports') }}

),

-- Assets that report on the same day share its conditions, so they are one report.
reports as (

    select
        campaign_id,
        channel_id,
        recorded_date,
        min(covered_from) as covered_from,
        sum(conversions) as conversions,
        sum(spend) as spend,
        sum(revenue_proxy) as revenue_proxy
    from asset_reports
    group by campaign_id, channel_id, recorded_date

),

shares as (

    select
        campaign_id,
        channel_id,
        recorded_date,
        covered_from,
        {{ rate('spend', 'sum(spend) over of_channel') }} as spend_share,
        {%- for measure in measures %}
        {{ rate(measure, 'sum(' ~ measure ~ ') over of_channel') }}
        - {{ rate('spend', 'sum(spend) over of_channel') }} as {{ measure }}_deviation,
        {%- endfor %}
        count(*) over of_channel as reports
    from reports
    window of_channel as (partition by campaign_id, channel_id)

),

-- A report without spend counts with the mean size.
sized_shares as (

    select
        *,
        coalesce(nullif(spend_share, 0), {{ rate('1', 'reports') }}) as counted_share
    from shares

),

variation as (

    select
        campaign_id,
        channel_id,
        max(reports) as reports,
        count(case when spend_share > 0 then 1 end) as reports_with_spend,
        {%- for measure in measures %}
        cast(sum(cast(
            {{ measure }}_deviation * {{ measure }}_deviation / counted_share as decimal(38, 18)
        )) as double) as {{ measure }}_squares,
        {%- endfor %}
        1 / nullif(cast(sum(cast(spend_share * spend_share as decimal(38, 18))) as double), 0) as effective_reports
    from sized_shares
    group by campaign_id, channel_id

),

-- Reports that cover the same days vary together.
shared_days as (

    select
        earlier.campaign_id,
        earlier.channel_id,
        {%- for measure in measures %}
        cast(sum(cast(
            earlier.{{ measure }}_deviation * later.{{ measure }}_deviation as decimal(38, 18)
        )) as double) as {{ measure }}_products,
        {%- endfor %}
        count(*) as pairs
    from shares as earlier
    inner join shares as later
        on
            earlier.campaign_id = later.campaign_id
            and earlier.channel_id = later.channel_id
            and earlier.recorded_date < later.recorded_date
            and earlier.recorded_date >= later.covered_from
    group by earlier.campaign_id, earlier.channel_id

),

final as (

    select
        variation.campaign_id,
        variation.channel_id,
        cast(variation.reports as integer) as reports,
        {%- for measure in measures %}
        case
            when variation.effective_reports > 1
                then (
                    variation.{{ measure }}_squares
                    + 2 * variation.effective_reports
                    * greatest(coalesce(shared_days.{{ measure }}_products, 0), 0)
                ) / (variation.effective_reports - 1)
        end as {{ measure }}_variation,
        {%- endfor %}
        cast(variation.reports_with_spend as integer) as reports_with_spend
    from variation
    left join shared_days
        on
            variation.campaign_id = shared_days.campaign_id
            and variation.channel_id = shared_days.channel_id

)

select * from final
