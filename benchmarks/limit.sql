-- Everything that grows with the events, written by hand: their checks, their days, and their sums.
-- by_hand.py puts it in one script with the rest, which it takes from the project's compiled SQL.
-- Each block names the dbt models that it replaces (makes) and the models of which it runs all
-- tests (checks). A check is a column of a table of schema `checks`, named after the model, with the
-- number of rows that break it: 0 in a valid export.

-- makes: raw_funnel_events stg_funnel_events int_days_of_funnel_events
-- checks: stg_funnel_events

-- One scan for all checks of a single row. Columns with only a few hundred values (campaign,
-- segment, channel) are checked below, where few rows are left.
create table checks.stg_funnel_events as
with events as (
    select
        *,
        coalesce("date", cast("timestamp" as date)) as event_date,
        row(
            event_id, "timestamp", "date", campaign_id, segment_id, channel_id, stage, "count",
            source, confidence
        ) as record
    from read_parquet(getvariable('raw') || '/funnel_events/**/*.parquet', hive_partitioning = false)
)
select
    count(*) as row_count,
    max("timestamp") as last_at,
    max(event_date) as day,
    cast(sum(hash(record, 1)) % 18446744073709551616 as ubigint) as content_hash,
    -- regexp_matches stops at the first character of an id that isn't blank.
    count_if(event_id is null) as not_null_event_id,
    count_if(
        event_id is null or not regexp_matches(event_id, '\S') or "timestamp" is null
        or campaign_id is null or segment_id is null or channel_id is null or stage is null
        or "count" is null or source is null or confidence is null
    ) as required_fields,
    count_if(event_date is distinct from cast("timestamp" as date)) as date_agrees_with_timestamp,
    count_if(stage not in (
        'impression', 'click', 'visit', 'signup', 'demo_request', 'purchase', 'feature_adopt'
    )) as stage_is_one_of_the_journey,
    count_if("count" < 0) as count_is_a_count,
    count_if(source not in ('ads_platform', 'crm', 'web_analytics', 'product_analytics'))
        as source_is_known,
    count_if(confidence not between 0 and 1) as confidence_is_a_share,
    count_if(event_date < date '2000-01-01' or event_date >= date '2100-01-01') as event_date,
    count_if("timestamp" < timestamp '2000-01-01' or "timestamp" >= timestamp '2100-01-01')
        as measured_at
from events;

-- Equal ids have equal hashes, and a number is smaller than a text.
create table checks.stg_funnel_events__ids as
select count(event_id) - count(distinct hash(event_id)) as event_id_is_unique
from read_parquet(getvariable('raw') || '/funnel_events/**/*.parquet', hive_partitioning = false);

create view staging.stg_funnel_events as
select event_id, coalesce("date", cast("timestamp" as date)) as event_date
from read_parquet(getvariable('raw') || '/funnel_events/**/*.parquet', hive_partitioning = false);

-- Not by day: the script has no incremental build.
create view intermediate.int_days_of_funnel_events as
select day, row_count, last_at, content_hash, cast(null as varchar) as content_version
from checks.stg_funnel_events;

-- makes: int_funnel_daily int_funnel_stage_sets int_funnel_stages int_funnel_stage_pairs fct_funnel_daily
-- checks: int_funnel_daily fct_funnel_daily int_funnel_stages

-- A stage has one event per cell and day, as the check below ensures: so nothing is summed, and the
-- event's confidence shows whether it is trusted.
create table intermediate.int_funnel_daily as
with daily as (
    select
        campaign_id,
        segment_id,
        channel_id,
        coalesce("date", cast("timestamp" as date)) as event_date,
        max(case when stage = 'impression' then "count" end) as impression_count,
        min(case when stage = 'impression' then confidence end) as impression_confidence,
        max(case when stage = 'click' then "count" end) as click_count,
        min(case when stage = 'click' then confidence end) as click_confidence,
        max(case when stage = 'visit' then "count" end) as visit_count,
        min(case when stage = 'visit' then confidence end) as visit_confidence,
        max(case when stage = 'signup' then "count" end) as signup_count,
        min(case when stage = 'signup' then confidence end) as signup_confidence,
        max(case when stage = 'demo_request' then "count" end) as demo_request_count,
        min(case when stage = 'demo_request' then confidence end) as demo_request_confidence,
        max(case when stage = 'purchase' then "count" end) as purchase_count,
        min(case when stage = 'purchase' then confidence end) as purchase_confidence,
        max(case when stage = 'feature_adopt' then "count" end) as feature_adopt_count,
        min(case when stage = 'feature_adopt' then confidence end) as feature_adopt_confidence,
        min(confidence) as confidence,
        count(*) as events
    from read_parquet(
        getvariable('raw') || '/funnel_events/**/*.parquet', hive_partitioning = false
    )
    group by campaign_id, segment_id, channel_id, event_date
)
select
    *,
    case when impression_confidence >= 0.85 then impression_count end as impression_trusted_count,
    case when click_confidence >= 0.85 then click_count end as click_trusted_count,
    case when visit_confidence >= 0.85 then visit_count end as visit_trusted_count,
    case when signup_confidence >= 0.85 then signup_count end as signup_trusted_count,
    case when demo_request_confidence >= 0.85 then demo_request_count end as demo_request_trusted_count,
    case when purchase_confidence >= 0.85 then purchase_count end as purchase_trusted_count,
    case when feature_adopt_confidence >= 0.85 then feature_adopt_count end as feature_adopt_trusted_count,
    event_date + interval 1 day - interval 1 microsecond as known_at
from daily;

-- More events than stages means a duplicate stage, so uniqueness of the five fields needs no extra
-- grouping.
create table checks.int_funnel_daily as
select
    count_if(
        events <> (impression_count is not null)::int
        + (click_count is not null)::int
        + (visit_count is not null)::int
        + (signup_count is not null)::int
        + (demo_request_count is not null)::int
        + (purchase_count is not null)::int
        + (feature_adopt_count is not null)::int
    ) as stages_are_counted_once
from intermediate.int_funnel_daily;

create table checks.int_funnel_daily__grain as
select count(*) as fields_are_unique
from (
    select campaign_id, segment_id, channel_id, event_date
    from intermediate.int_funnel_daily
    group by all
    having count(*) > 1
);

create view marts.fct_funnel_daily as
select
    campaign_id,
    segment_id,
    channel_id,
    event_date,
    impression_count,
    click_count,
    visit_count,
    signup_count,
    demo_request_count,
    purchase_count,
    feature_adopt_count,
    confidence,
    confidence >= 0.85 as is_trusted
from intermediate.int_funnel_daily;

create table checks.fct_funnel_daily as
select count(*) as fields_are_unique
from (
    select campaign_id, segment_id, channel_id, event_date
    from marts.fct_funnel_daily
    group by all
    having count(*) > 1
);

-- Days on which the same stages were measured are summed once; everything after reads some tens of
-- thousands of rows.
create table intermediate.int_funnel_stage_sets as
select
    campaign_id,
    segment_id,
    channel_id,
    cast(sum(impression_count) as bigint) as impression_count,
    cast(sum(impression_trusted_count) as bigint) as impression_trusted_count,
    min(impression_confidence) as impression_confidence,
    cast(sum(click_count) as bigint) as click_count,
    cast(sum(click_trusted_count) as bigint) as click_trusted_count,
    min(click_confidence) as click_confidence,
    cast(sum(visit_count) as bigint) as visit_count,
    cast(sum(visit_trusted_count) as bigint) as visit_trusted_count,
    min(visit_confidence) as visit_confidence,
    cast(sum(signup_count) as bigint) as signup_count,
    cast(sum(signup_trusted_count) as bigint) as signup_trusted_count,
    min(signup_confidence) as signup_confidence,
    cast(sum(demo_request_count) as bigint) as demo_request_count,
    cast(sum(demo_request_trusted_count) as bigint) as demo_request_trusted_count,
    min(demo_request_confidence) as demo_request_confidence,
    cast(sum(purchase_count) as bigint) as purchase_count,
    cast(sum(purchase_trusted_count) as bigint) as purchase_trusted_count,
    min(purchase_confidence) as purchase_confidence,
    cast(sum(feature_adopt_count) as bigint) as feature_adopt_count,
    cast(sum(feature_adopt_trusted_count) as bigint) as feature_adopt_trusted_count,
    min(feature_adopt_confidence) as feature_adopt_confidence,
    count(*) as day_count,
    concat_ws(
        ' ',
        case when min(impression_count) is not null then 'impression' end,
        case when min(click_count) is not null then 'click' end,
        case when min(visit_count) is not null then 'visit' end,
        case when min(signup_count) is not null then 'signup' end,
        case when min(demo_request_count) is not null then 'demo_request' end,
        case when min(purchase_count) is not null then 'purchase' end,
        case when min(feature_adopt_count) is not null then 'feature_adopt' end
    ) as measured_stages
from intermediate.int_funnel_daily
group by
    campaign_id,
    segment_id,
    channel_id,
    impression_count is null,
    click_count is null,
    visit_count is null,
    signup_count is null,
    demo_request_count is null,
    purchase_count is null,
    feature_adopt_count is null;

create temp table set_stages as
select
    campaign_id,
    segment_id,
    channel_id,
    stage_set,
    day_count,
    unnest([
        {
            'stage': 'impression', 'stage_order': 1, 'is_measured': impression_count is not null,
            'stage_count': impression_count, 'trusted_count': impression_trusted_count,
            'confidence': impression_confidence
        },
        {
            'stage': 'click', 'stage_order': 2, 'is_measured': click_count is not null,
            'stage_count': click_count, 'trusted_count': click_trusted_count,
            'confidence': click_confidence
        },
        {
            'stage': 'visit', 'stage_order': 3, 'is_measured': visit_count is not null,
            'stage_count': visit_count, 'trusted_count': visit_trusted_count,
            'confidence': visit_confidence
        },
        {
            'stage': 'signup', 'stage_order': 4, 'is_measured': signup_count is not null,
            'stage_count': signup_count, 'trusted_count': signup_trusted_count,
            'confidence': signup_confidence
        },
        {
            'stage': 'demo_request', 'stage_order': 5, 'is_measured': demo_request_count is not null,
            'stage_count': demo_request_count, 'trusted_count': demo_request_trusted_count,
            'confidence': demo_request_confidence
        },
        {
            'stage': 'purchase', 'stage_order': 6, 'is_measured': purchase_count is not null,
            'stage_count': purchase_count, 'trusted_count': purchase_trusted_count,
            'confidence': purchase_confidence
        },
        {
            'stage': 'feature_adopt', 'stage_order': 7, 'is_measured': feature_adopt_count is not null,
            'stage_count': feature_adopt_count, 'trusted_count': feature_adopt_trusted_count,
            'confidence': feature_adopt_confidence
        }
    ], recursive := true)
from (select *, row_number() over () as stage_set from intermediate.int_funnel_stage_sets);

create table intermediate.int_funnel_stages as
select
    campaign_id,
    segment_id,
    channel_id,
    stage,
    stage_order,
    cast(sum(stage_count) as bigint) as stage_count,
    cast(
        case when bool_or(is_measured) then coalesce(sum(trusted_count), 0) end as bigint
    ) as trusted_count,
    min(confidence) as confidence,
    cast(sum(case when is_measured then day_count else 0 end) as integer) as stage_days
from set_stages
group by campaign_id, segment_id, channel_id, stage, stage_order;

create table intermediate.int_funnel_stage_pairs as
select
    later.campaign_id,
    later.segment_id,
    later.channel_id,
    earlier.stage as earlier_stage,
    later.stage,
    cast(sum(case when is_shared then earlier.stage_count end) as bigint) as earlier_count,
    cast(sum(case when is_shared then later.stage_count end) as bigint) as compared_count,
    cast(sum(case when is_shared then later.day_count else 0 end) as integer) as shared_days
from set_stages as later
inner join set_stages as earlier
    on later.stage_set = earlier.stage_set and later.stage_order > earlier.stage_order
cross join lateral (select earlier.is_measured and later.is_measured as is_shared)
group by
    later.campaign_id, later.segment_id, later.channel_id, earlier.stage, later.stage;

create table checks.stg_funnel_events__cells as
select
    count_if(campaign_id not in (from (select campaign_id from staging.stg_campaigns)))
        as campaign_exists,
    count_if(segment_id not in (from (select segment_id from staging.stg_audience_segments)))
        as segment_exists,
    count_if(channel_id not in (from (select channel_id from staging.stg_channels)))
        as channel_exists
from intermediate.int_funnel_stages;

-- dbt tests kept days of earlier builds again; here all days are new.
create table checks.int_funnel_stages as
select
    *,
    (
        select count(*)
        from (
            select campaign_id, segment_id, channel_id, stage
            from intermediate.int_funnel_stages
            group by all
            having count(*) > 1
        )
    ) as fields_are_unique
from checks.stg_funnel_events__cells;

-- makes: raw_performance_metrics stg_performance_metrics int_days_of_performance_metrics
-- checks: stg_performance_metrics

-- Read once: later statements read it from the database.
create table staging.stg_performance_metrics as
select
    asset_id,
    experiment_id,
    impressions,
    clicks,
    conversions,
    conversion_rate,
    cast(cost as decimal(18, 6)) as cost,
    cast(revenue_proxy as decimal(18, 6)) as revenue_proxy,
    "timestamp" as recorded_at,
    hash(
        row(
            asset_id, experiment_id, "timestamp", impressions, clicks, conversions,
            conversion_rate, cost, revenue_proxy
        ),
        1
    ) as content_hash
from read_parquet(
    getvariable('raw') || '/performance_metrics/**/*.parquet', hive_partitioning = false
);

-- A warning's name begins with warns_.
create table checks.stg_performance_metrics as
select
    count(*) as row_count,
    max(recorded_at) as last_at,
    cast(sum(content_hash) % 18446744073709551616 as ubigint) as content_hash,
    count_if(
        asset_id is null or recorded_at is null or impressions is null or clicks is null
        or conversions is null or conversion_rate is null or cost is null or revenue_proxy is null
    ) as required_fields,
    count_if(asset_id is null) as not_null_asset_id,
    count_if(asset_id not in (from (select asset_id from staging.stg_creative_assets)))
        as asset_exists,
    count_if(experiment_id not in (from (select experiment_id from staging.stg_experiments)))
        as experiment_exists,
    count_if((clicks <= impressions) is distinct from true) as warns_clicks_do_not_exceed_impressions,
    count_if((conversions <= impressions) is distinct from true)
        as warns_conversions_do_not_exceed_impressions,
    count_if((conversions <= clicks) is distinct from true)
        as warns_conversions_do_not_exceed_clicks,
    count_if(
        (
            abs(conversion_rate - coalesce(conversions / nullif(impressions, 0), 0)) <= 0.0005000001
        ) is distinct from true
    ) as warns_conversion_rate_adds_up,
    count_if(impressions < 0) as impressions_is_a_count,
    count_if(clicks < 0) as clicks_is_a_count,
    count_if(conversions < 0) as conversions_is_a_count,
    count_if(conversion_rate < 0) as conversion_rate_is_a_rate,
    count_if(cost < 0) as cost_is_an_amount,
    count_if(revenue_proxy < 0) as revenue_proxy_is_an_amount,
    count_if(recorded_at < timestamp '2000-01-01' or recorded_at >= timestamp '2100-01-01')
        as recorded_at
from staging.stg_performance_metrics;

create table checks.stg_performance_metrics__grain as
select count(*) as fields_are_unique
from (
    select asset_id, experiment_id, recorded_at
    from staging.stg_performance_metrics
    group by all
    having count(*) > 1
);

create view intermediate.int_days_of_performance_metrics as
select cast(last_at as date) as day, row_count, last_at, content_hash, cast(null as varchar) as content_version
from checks.stg_performance_metrics;

-- makes: int_performance_snapshots int_performance int_performance_daily
-- checks: int_performance_daily

create view intermediate.int_performance_snapshots as from staging.stg_performance_metrics;

create table intermediate.int_performance as
select
    asset_id,
    experiment_id,
    campaign_id,
    segment_id,
    channel_id,
    recorded_at,
    cast(recorded_at as date) as recorded_date,
    impressions,
    clicks,
    conversions,
    cost,
    revenue_proxy
from staging.stg_performance_metrics
inner join staging.stg_creative_assets using (asset_id);

create table intermediate.int_performance_daily as
select
    asset_id,
    experiment_id,
    recorded_date,
    cast(sum(impressions) as bigint) as impressions,
    cast(sum(clicks) as bigint) as clicks,
    cast(sum(conversions) as bigint) as conversions,
    cast(sum(cost) as decimal(18, 6)) as spend,
    cast(sum(revenue_proxy) as decimal(18, 6)) as revenue_proxy
from intermediate.int_performance
group by asset_id, experiment_id, recorded_date;

create table checks.int_performance_daily as
select
    asset_exists,
    experiment_exists,
    (
        select count(*)
        from (
            select asset_id, experiment_id, recorded_date
            from intermediate.int_performance_daily
            group by all
            having count(*) > 1
        )
    ) as fields_are_unique
from checks.stg_performance_metrics;
