with reports as (

    select * from {{ ref('int_channel_reports') }}

),

channels as (

    select
        campaign_id,
        channel_id,
        sum(spend) as spend,
        sum(conversions) as conversions,
        sum(days_covered) as days_covered
    from reports
    group by campaign_id, channel_id

),

-- Per day, relative to the channel's mean, so that the scale of money and conversions does not matter.
days as (

    select
        reports.campaign_id,
        reports.channel_id,
        reports.asset_id,
        reports.recorded_date,
        reports.days_covered,
        {%- for measure in ['spend', 'conversions'] %}
        {{ rate('reports.' ~ measure, 'reports.days_covered') }}
        / nullif({{ rate('channels.' ~ measure, 'channels.days_covered') }}, 0) as {{ measure }},
        {%- endfor %}
        {{ rate('channels.days_covered', 'channels.conversions') }} as days_per_conversion
    from reports
    inner join channels
        on
            reports.campaign_id = channels.campaign_id
            and reports.channel_id = channels.channel_id

),

-- Each asset is compared with itself, since a more expensive asset may convert more for other reasons.
asset_means as (

    select
        *,
        sum(days_covered) over of_asset as asset_days,
        {%- for measure in ['spend', 'conversions'] %}
        {{ measure }} - cast(sum(cast({{ measure }} * days_covered as decimal(38, 18))) over of_asset as double)
        / nullif(cast(sum(days_covered) over of_asset as double), 0) as {{ measure }}_deviation,
        {%- endfor %}
        row_number() over (partition by campaign_id, channel_id, asset_id order by recorded_date) as report_number
    from days
    window of_asset as (partition by campaign_id, channel_id, asset_id)

),

slopes as (

    select
        campaign_id,
        channel_id,
        count(*) - count(case when report_number = 1 then 1 end) - 1 as freedom,
        count(distinct recorded_date) as report_days,
        cast(sum(cast(days_covered * spend_deviation * spend_deviation as decimal(38, 18))) as double) as spend_squares,
        cast(sum(cast(days_covered * spend_deviation * conversions_deviation as decimal(38, 18))) as double)
            as products
    from asset_means
    group by campaign_id, channel_id

),

residuals as (

    select
        asset_means.*,
        slopes.spend_squares,
        asset_means.conversions_deviation
        - slopes.products / nullif(slopes.spend_squares, 0) * asset_means.spend_deviation as residual,
        1 - asset_means.days_covered * (
            {{ rate('1', 'asset_means.asset_days') }}
            + asset_means.spend_deviation * asset_means.spend_deviation / nullif(slopes.spend_squares, 0)
        ) as freedom_left
    from asset_means
    inner join slopes
        on
            asset_means.campaign_id = slopes.campaign_id
            and asset_means.channel_id = slopes.channel_id

),

-- A report with leverage has too small a residual, so it is enlarged (MacKinnon and White 1985, HC3). A single report
-- has no residual.
report_days as (

    select
        campaign_id,
        channel_id,
        recorded_date,
        cast(sum(cast(
            case
                when freedom_left > 0.000000001
                    then days_covered * spend_deviation * residual / freedom_left
                else 0
            end as decimal(38, 18)
        )) as double) as score,
        sum(cast(
            days_covered * spend_deviation * spend_deviation * spend * days_per_conversion as decimal(38, 18)
        )) as count_variance
    from residuals
    group by campaign_id, channel_id, recorded_date

),

variances as (

    select
        campaign_id,
        channel_id,
        cast(sum(cast(score * score as decimal(38, 18))) as double) as score_variance,
        cast(sum(count_variance) as double) as count_variance
    from report_days
    group by campaign_id, channel_id

),

final as (

    select
        slopes.campaign_id,
        slopes.channel_id,
        cast(slopes.report_days as integer) as report_days,
        sqrt(slopes.spend_squares / nullif(cast(channels.days_covered as double), 0)) as spend_variation,
        slopes.products / nullif(slopes.spend_squares, 0) as relative_slope,
        sqrt(greatest(variances.score_variance, variances.count_variance))
        / nullif(slopes.spend_squares, 0) as slope_error,
        {{ student_t_quantile('least(slopes.freedom, slopes.report_days - 2)') }} as t_quantile
    from slopes
    inner join channels
        on
            slopes.campaign_id = channels.campaign_id
            and slopes.channel_id = channels.channel_id
    inner join variances
        on
            slopes.campaign_id = variances.campaign_id
            and slopes.channel_id = variances.channel_id

)

select * from final
