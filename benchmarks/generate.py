"""Generate an export of any size: all thirteen datasets, clean by the contract.

Every value is a hash of the record's own numbers and the seed, so the same arguments give the same
rows (with the same DuckDB) for any format and number of threads, and records are independent. The
datasets are declared in seeds/orchestrator/_orchestrator__seeds.yml; the contract's policy is read
from dbt_project.yml and seeds/reference.

    OUT/<dataset>.<ext>                               eleven datasets, all with --flat
    OUT/<dataset>/day=YYYY-MM-DD/part-0.<ext>         funnel_events and performance_metrics

The folder is not named after `date`, which is a field of the file; a file has all fields.

Usage: .venv/bin/python benchmarks/generate.py OUT [--events 20_000_000] [--help for more]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import yaml

PROJECT = Path(__file__).resolve().parent.parent
EVENTS_A_DAY = 30  # per campaign, without --events
EXTENSIONS = {"gz": "gzip", "zst": "zstd"}

MACROS = """
create macro first_day() as date '{first_day}';
create macro last_day() as date '{last_day}';
create macro day_count() as {days};
create macro event_goal() as {events};
create macro anomaly_rate() as {anomaly_rate};
create macro approval_threshold() as {approval_threshold};
create macro stop_trend() as {stop_trend_maximum};
create macro scale_trend() as {scale_trend_minimum};
create macro enough_impressions() as {rollup_minimum_impressions};

-- A number in [0, 1) that depends only on a record's number, its purpose, and the seed.
create macro uniform(number, purpose) as
    (hash(xor(hash(purpose, {seed}), number::ubigint)) >> 11) / 9007199254740992.0;
create macro is_anomaly(number, purpose) as uniform(number, purpose) < anomaly_rate();
create macro pick(choices, number, purpose) as
    choices[1 + floor(uniform(number, purpose) * len(choices))::int];
-- A count with the mean and the variance of a Poisson, and no tail.
create macro noisy(expected, number, purpose) as
    greatest(0, round(expected + sqrt(12 * expected) * (uniform(number, purpose) - 0.5)))::bigint;
create macro name_id(prefix, number) as format('{{}}_{{:04d}}', prefix, number::bigint);
create macro moment(day, minutes) as day::timestamp + to_minutes(minutes::bigint);
"""

# Figures of the simulation: costs of channels, rates of a journey.
TABLES = """
create table channels as
from (values
    -- The last two: clicks per impression, and a weekend day's share of a weekday.
    (1, 'email', 'HubSpot', 'per_send', 0.02, 0.065, 0.45),
    (2, 'paid_search', 'Google Ads', 'per_click', 1.5, 0.055, 0.7),
    (3, 'social', 'LinkedIn', 'per_impression', 0.015, 0.03, 0.6),
    (4, 'in_app', 'Product messaging', 'flat', 120.0, 0.09, 0.35),
    (5, 'email', 'Mailchimp', 'per_send', 0.015, 0.05, 0.55),
    (6, 'paid_search', 'Microsoft Advertising', 'per_click', 1.1, 0.045, 0.65),
    (7, 'social', 'Meta', 'per_impression', 0.008, 0.02, 1.15),
    (8, 'in_app', 'Intercom', 'flat', 80.0, 0.08, 0.4)
) as channel (channel_no, type, platform, cost_model, avg_cost, click_rate, weekend);

create table journeys as
from (values
    ('trial', 'conversion_rate', 6, 'Trial Signups', 'Grow free trial signups', 18),
    ('demo', 'demo_request_rate', 5, 'Demo Pipeline', 'Fill the pipeline with demo requests', 45),
    ('adoption', 'feature_click_through_rate', 4, 'Feature Adoption', 'Get a feature used', 7)
) as journey (journey, primary_kpi, stages, title, objective, conversion_value);

-- `reach` is the share of impressions that reaches the stage. A step is at most 0.85: see counted.
create table stages as
from (values
    ('trial', 1, 'impression', 'ads_platform', 1),
    ('trial', 2, 'click', 'ads_platform', 0.05),
    ('trial', 3, 'visit', 'web_analytics', 0.042),
    ('trial', 4, 'signup', 'crm', 0.006),
    ('trial', 5, 'purchase', 'crm', 0.0012),
    ('trial', 6, 'feature_adopt', 'product_analytics', 0.0009),
    ('demo', 1, 'impression', 'ads_platform', 1),
    ('demo', 2, 'click', 'ads_platform', 0.06),
    ('demo', 3, 'visit', 'web_analytics', 0.05),
    ('demo', 4, 'demo_request', 'crm', 0.005),
    ('demo', 5, 'purchase', 'crm', 0.0008),
    ('adoption', 1, 'impression', 'product_analytics', 1),
    ('adoption', 2, 'click', 'product_analytics', 0.09),
    ('adoption', 3, 'visit', 'product_analytics', 0.07),
    ('adoption', 4, 'feature_adopt', 'product_analytics', 0.02)
) as stage (journey, position, stage, source, reach);

create table days as
select
    day_no, first_day() + day_no::int as day, isodow(day) >= 6 as is_weekend,
    1 + 0.2 * sin(2 * pi() * dayofyear(day) / 365) as season,
    -- Weeks are counted back from the last day.
    last_day() - 7 * ((last_day() - day) // 7)::int as week_end
from (select unnest(range(day_count())) as day_no);

-- The last campaign begins after half of the days.
create table plans as
select
    *,
    first_day() + floor(day_count() / 2 * power(uniform(campaign_no, 'start'), 2))::int
        as start_date,
    start_date + greatest(13, floor(day_count() * (0.4 + 0.9 * uniform(campaign_no, 'end'))))::int
        as end_date,
    least(end_date, last_day()) as active_until,
    case
        when end_date < last_day() then 'completed'
        when uniform(campaign_no, 'status') < 0.1 then 'paused'
        else 'active'
    end as status
from (
    select campaign_no, pick(['trial', 'demo', 'adoption'], campaign_no, 'journey') as journey
    from (select unnest(range(1, {campaigns} + 1)) as campaign_no)
)
inner join journeys using (journey);

-- A cell is a segment and a channel of a campaign. Cells are spread so that all of their events
-- come near the goal: a fraction of a cell is one, as often as the fraction says.
create table cells as
with counted as (
    select
        *, event_goal() / sum(active_until - start_date + 1) over () / stages as wanted,
        greatest(1, floor(wanted + uniform(campaign_no, 'cells'))::int) as cell_count
    from plans
)
select
    row_number() over (order by campaign_no, cell) as cell_no, *,
    1 + (campaign_no * 3 + cell // 4) % segment_count as segment_no
from (
    select
        *, unnest(range(cell_count)) as cell,
        greatest(8, max((cell_count + 3) // 4) over ()) as segment_count
    from counted
)
inner join channels on channels.channel_no = 1 + (campaign_no + cell % 4) % 8;
"""

SERIES = """
create table cell_stages as
select
    row_number() over (order by cell_no, position) as row_no, cell_no, start_date,
    active_until, name_id('CAMP', campaign_no) as campaign_id,
    name_id('SEG', segment_no) as segment_id, name_id('CH', channel_no) as channel_id,
    stage, source, weekend, position = stages as is_last,
    1500 * power(10, uniform(cell_no, 'volume')) * reach
        * power(0.75 + 0.25 * uniform(cell_no, 'quality'), position - 1)
        -- In one cell of twenty the last step is weak; where it is blocked, that is an anomaly.
        * case
            when position < stages then 1
            when is_anomaly(cell_no, 'is blocked') then 0
            when uniform(cell_no, 'is weak') < 0.05 then 0.3
            else 1
        end as expected,
    coalesce(lag(expected) over (partition by cell_no order by position), expected)
        as expected_before
from cells
inner join stages using (journey);

-- Up to four experiments per campaign, each in its own cell; two in three end before it.
create table experiments as
select
    row_number() over (order by cell_no) as experiment_no,
    * exclude (campaign_start, campaign_end),
    least(campaign_start + floor(6 * uniform(cell_no, 'experiment start'))::int, active_until)
        as start_date,
    if(
        uniform(cell_no, 'is short') < 0.67,
        least(campaign_end, start_date + 13 + floor(28 * uniform(cell_no, 'length'))::int),
        campaign_end
    ) as end_date,
    if(end_date < last_day(), 'completed', 'running') as status,
    0.5 * uniform(cell_no, 'lift') - 0.15 as lift,
    is_anomaly(cell_no, 'is dead') as is_dead,
    500 * power(5, uniform(cell_no, 'reach')) as expected
from (
    select
        * exclude (start_date, end_date, status),
        start_date as campaign_start, end_date as campaign_end
    from cells
)
where cell % 3 = 0 and cell < 3 * (1 + floor(4 * uniform(campaign_no, 'experiments')));

-- One row per asset and day: both arms while the experiment runs, then the winner outside of it.
create table performance as
with arms as (
    select
        *, experiment_no * 2 - 1 + arm as asset_no,
        experiment_no * day_count() + day_no as experiment_day_no,
        asset_no * day_count() + day_no as asset_day_no, day <= end_date as is_in_experiment
    from experiments
    cross join (values (0), (1)) as arms (arm)
    inner join days on day between start_date and active_until
    where day <= end_date or arm = (lift > 0)::int
),
shown as (
    select
        *,
        -- A day has the same effect on both arms.
        noisy(
            expected * season * if(is_weekend, weekend, 1)
            * (0.85 + 0.3 * uniform(experiment_day_no, 'traffic')),
            asset_day_no, 'impressions'
        ) as impressions
    from arms
),
clicked as (
    select *, least(impressions, noisy(impressions * click_rate, asset_day_no, 'clicks')) as clicks
    from shown
),
converted as (
    select
        *,
        if(is_dead, 0, 0.05 + 0.1 * uniform(experiment_no, 'conversion')) * (1 + arm * lift)
            as conversion_rate,
        least(clicks, noisy(clicks * conversion_rate, asset_day_no, 'conversions'))
            as conversions,
        is_anomaly(asset_day_no, 'spend') as is_spike
    from clicked
)
select
    * exclude (season, weekend, expected),
    (avg_cost * if(is_spike, 4, 1) * case cost_model
        when 'per_click' then clicks when 'flat' then 1 else impressions
    end)::decimal(18, 2) as cost,
    (conversions * conversion_value * (0.9 + 0.2 * uniform(asset_day_no, 'value')))::decimal(18, 2)
        as revenue
from converted
order by day_no, asset_no;
"""

# Evidence quotes the results of both assets by then; the snapshot is taken at 18:00.
GOVERNANCE = """
create table risks as
with daily as (
    select
        experiment_no, campaign_no, segment_no, day, experiment_day_no,
        sum(impressions) as impressions, sum(clicks) as clicks,
        sum(conversions) as conversions, sum(cost) as cost, bool_or(is_spike) as is_spike
    from performance
    where is_in_experiment
    group by experiment_no, campaign_no, segment_no, day, experiment_day_no
),
so_far as (
    select
        * replace (
            sum(impressions) over until_then as impressions,
            sum(clicks) over until_then as clicks,
            sum(conversions) over until_then as conversions
        ),
        sum(cost) over until_then as spend,
        coalesce(lag(cost) over until_then, cost) as cost_before
    from daily
    window until_then as (partition by experiment_no order by day)
),
typed as (
    select
        *,
        case
            when is_spike then 'spend_spike'
            when conversions = 0 and clicks >= 100 then 'high_clicks_zero_conversions'
            else pick([
                'low_conversion', 'brand_safety', 'policy_violation', 'data_quality',
                'segment_mismatch'
            ], experiment_day_no, 'risk type')
        end as risk_type
    from so_far
    where is_spike or uniform(experiment_day_no, 'risk') < 0.01
),
judged as (
    select
        *, row_number() over (order by experiment_day_no) as risk_no,
        moment(day, 1085 + 50 * uniform(experiment_day_no, 'raised')) as raised_at,
        case risk_type
            when 'spend_spike' then pick(['medium', 'medium', 'high'], risk_no, 'severity')
            when 'high_clicks_zero_conversions' then pick(['high', 'critical'], risk_no, 'severity')
            else pick(['low', 'low', 'medium', 'medium', 'high'], risk_no, 'severity')
        end as severity,
        case risk_type
            when 'spend_spike' then 'reduce_budget'
            when 'high_clicks_zero_conversions' then 'human_review'
            when 'data_quality' then 'investigate_tracking'
            else pick(['revise_copy', 'scale_down', 'human_review', 'pause'], risk_no, 'action')
        end as recommended_action,
        pick(if(
            last_day() - day < 21,
            ['open', 'in_review', 'mitigated', 'dismissed'],
            ['mitigated', 'mitigated', 'mitigated', 'dismissed', 'in_review']
        ), risk_no, 'what became of it') as status,
        if(is_anomaly(risk_no, 'evidence'), 1.1, 1) as misquote
    from typed
)
select
    judged.*,
    -- Reviews are in time; late on the last day, those that are not due yet are missing.
    case
        when not (always_requires_review or recommended_action = 'human_review') then null
        when day = last_day() and review_minutes > 300 then null
        when status in ('mitigated', 'dismissed') and uniform(risk_no, 'reviewed') < 0.15 then null
        else raised_at + to_minutes(
            floor(least(review_minutes, 300) * (0.1 + 0.8 * uniform(risk_no, 'review')))::bigint
        )
    end as reviewed_at,
    case risk_type
        when 'spend_spike'
            then json_object(
                'prior_daily_spend', cost_before::double,
                'current_daily_spend', cost::double,
                'spend', round(spend::double * misquote, 2)
            )
        when 'data_quality'
            then json_object(
                'missing_events', floor(80 * uniform(risk_no, 'missing'))::int, 'source', 'crm'
            )
        when 'brand_safety'
            then json_object('flagged_phrase', 'Cut it in half', 'policy_rule', 'ABSOLUTE_CLAIM')
        when 'policy_violation' then json_object('policy_rule', 'UNREVIEWED_COPY')
        else json_object(
            'segment_id', name_id('SEG', segment_no),
            'impressions', round(impressions * misquote)::bigint, 'clicks', clicks::bigint,
            'conversions', conversions::bigint
        )
    end as evidence
from judged
inner join read_csv({severities}) using (severity);

-- One move per campaign and thirty days; moves at or above the threshold, or in a currency that
-- policy doesn't list, wait for a person.
create table moves as
with proposed as (
    select
        row_number() over (order by day, campaign_no) as move_no, * exclude (status),
        moment(day, 540 + 180 * uniform(move_no, 'proposed')) as proposed_at,
        1 + (campaign_no + floor(4 * uniform(move_no, 'from'))::int) % 8 as from_no,
        if(is_anomaly(move_no, 'to itself'), from_no, 1 + from_no % 8) as to_no,
        50 * ceil(2 * power(50, uniform(move_no, 'amount'))) as amount,
        if(uniform(move_no, 'currency') < 0.04, 'EUR', 'USD') as currency,
        currency <> 'USD' or amount >= approval_threshold() as requires_approval,
        pick([
            'roi_optimization', 'scale_winner', 'stop_loss', 'risk_mitigation',
            'capacity_constraint'
        ], move_no, 'reason') as reason_code,
        if(uniform(move_no, 'by') < 0.15, 'human', 'orchestrator') as proposed_by
    from plans
    inner join days on day between start_date and active_until
    where uniform(campaign_no * day_count() + day_no, 'move') < 1 / 30
)
select
    *,
    case
        when uniform(move_no, 'outcome') < 0.05 then 'rolled_back'
        when requires_approval and uniform(move_no, 'outcome') < 0.15 then 'rejected'
        when requires_approval and last_day() - day < 14 and uniform(move_no, 'outcome') < 0.6
            then pick(['proposed', 'approved'], move_no, 'pending')
        else 'executed'
    end as status,
    requires_approval and status not in ('rejected', 'proposed') as is_approved
from proposed;

create table decisions as
with decided as (
    select
        campaign_no, moment(start_date, 510) as decided_at, false as is_human,
        'Launch checks passed' as trigger, 'Started the campaign with an even split' as action
    from plans
    union all
    select
        campaign_no, moment(end_date, 1110), false,
        name_id('EXP', experiment_no) || ' reached its planned end',
        'Closed it and kept ' || name_id('ASSET', experiment_no * 2 - 1 + (lift > 0)::int)
    from experiments
    where status = 'completed'
    union all
    select
        campaign_no, proposed_at, false, 'Budget check for ' || reason_code,
        'Proposed ' || name_id('BUD', move_no) || ', ' || amount::int || ' ' || currency
    from moves
    where proposed_by = 'orchestrator'
    union all
    select
        campaign_no, raised_at, false, name_id('RSK', risk_no) || ' was raised',
        'Asked for ' || recommended_action
    from risks
    union all
    select
        campaign_no, reviewed_at, true, 'Human review of ' || name_id('RSK', risk_no),
        'Agreed, and set it to ' || status
    from risks
    where reviewed_at is not null
)
select
    row_number() over (order by decided_at, campaign_no, trigger) as decision_no, *,
    round(0.5 + 0.45 * uniform(decision_no, 'confidence'), 2) as confidence
from decided;
"""

WEEKS = """
create table weeks as
with measured as (
    select
        campaign_no, segment_no, primary_kpi, week_end, sum(impressions) as impressions,
        sum(clicks) as clicks, sum(conversions) as conversions, sum(cost) as spend,
        sum(revenue) as revenue, sum(conversions) / nullif(sum(impressions), 0) as kpi
    from performance
    where week_end - 6 >= first_day()
    group by campaign_no, segment_no, primary_kpi, week_end
)
select
    row_number() over (order by this.week_end, this.campaign_no, this.segment_no) as rollup_no,
    this.*,
    -- Reported as 0 without a previous window.
    if(prior.kpi > 0, greatest(-1, least(1, this.kpi / prior.kpi - 1)), 0) as trend
from measured as this
left join measured as prior
    on this.campaign_no = prior.campaign_no
    and this.segment_no = prior.segment_no
    and this.week_end = prior.week_end + 7;
"""

# The thirteen datasets, their fields in declared order. {day} is replaced in the two series.
EXPORTS = {
    "campaigns": """
with spent as (select campaign_no, sum(cost) as spend from performance group by campaign_no)

select
    name_id('CAMP', campaign_no) as campaign_id,
    moment(start_date - 21, 540 + 480 * uniform(campaign_no, 'created')) as created_at,
    pick(['Spring', 'Summer', 'Partner', 'Startup', 'Enterprise', 'Webinar'], campaign_no, 'name')
        || ' ' || title || ' ' || campaign_no as name,
    objective, primary_kpi, start_date, end_date,
    -- Spending ends between 70 and 130 percent of it.
    100 * ceil(
        spend::double * (end_date - start_date + 1) / (active_until - start_date + 1)
        / (70 + 60 * uniform(campaign_no, 'budget'))
    ) as budget,
    status,
    'A message that names a saving brings more than one that lists features' as hypothesis
from plans
inner join spent using (campaign_no)
order by campaign_no""",
    "audience_segments": """
select
    name_id('SEG', segment_no) as segment_id,
    pick(['Startup', 'Mid-market', 'Enterprise', 'Agency'], segment_no, 'size') || ' '
        || pick(['engineers', 'finance teams', 'platform teams', 'owners'], segment_no, 'role')
        || ' ' || segment_no as name,
    'People who answer for the cloud bill, group ' || segment_no as description,
    floor(1000 * power(100, uniform(segment_no, 'people')))::bigint as size_estimate,
    pick(['high', 'medium', 'medium', 'low'], segment_no, 'priority') as priority
from (select unnest(range(1, 1 + (select max(segment_count) from cells))) as segment_no)""",
    "channels": """
select
    name_id('CH', channel_no) as channel_id, type, platform, cost_model,
    avg_cost::double as avg_cost
from channels
order by channel_no""",
    "creative_assets": """
with assets as (
    select *, experiment_no * 2 - 1 + arm as asset_no
    from experiments
    cross join (values (0), (1)) as arms (arm)
)
select
    name_id('ASSET', asset_no) as asset_id,
    moment(start_date - 5, 540 + 480 * uniform(asset_no, 'asset created')) as created_at,
    name_id('CAMP', campaign_no) as campaign_id, name_id('SEG', segment_no) as segment_id,
    name_id('CH', channel_no) as channel_id,
    if(arm = 0, 'A', 'B') as variant,
    pick(['Where money goes', 'No surprises', 'One report', 'Guardrails'], asset_no, 'theme')
        as message_theme,
    pick(['Start your trial', 'Book a demo', 'Turn it on'], asset_no, 'cta') as cta,
    uniform(asset_no, 'flags') >= 0.02 as approved_by_human,
    case
        when uniform(asset_no, 'flags') < 0.02 then ['clickbait_wording', 'unreviewed_copy']
        when uniform(asset_no, 'flags') < 0.12 then ['urgency_language']
        else []::varchar[]
    end as risk_flags
from assets
order by asset_no""",
    "experiments": """
select
    name_id('EXP', experiment_no) as experiment_id,
    name_id('CAMP', campaign_no) as campaign_id, start_date,
    if(status = 'completed', end_date, null) as end_date, 'A/B' as type,
    if(uniform(experiment_no, 'metric') < 0.2, 'click_through_rate', primary_kpi) as metric,
    name_id('ASSET', experiment_no * 2 - 1) as control_asset,
    name_id('ASSET', experiment_no * 2) as variant_asset, status
from experiments
order by experiment_no""",
    "performance_metrics": """
select
    name_id('ASSET', asset_no) as asset_id,
    if(is_in_experiment, name_id('EXP', experiment_no), null) as experiment_id,
    moment(day, 1080) as timestamp, impressions, clicks, conversions,
    coalesce(round(conversions / nullif(impressions, 0), 3), 0) as conversion_rate,
    cost::double as cost, revenue::double as revenue_proxy
from performance
where {day}
order by day_no, asset_no""",
    "orchestrator_decisions": """
select
    name_id('DEC', decision_no) as decision_id, name_id('CAMP', campaign_no) as campaign_id,
    trigger, action as action_taken, confidence as confidence_score,
    is_human as human_override, decided_at as timestamp
from decisions
order by decision_no""",
    "roi_ledger": """
with earned as (
    select campaign_no, sum(cost) as media_spend, sum(revenue) as estimated_value
    from performance
    group by campaign_no
),
worked as (
    select
        campaign_no, (12 + 0.85 * count(*))::decimal(18, 2) as llm_cost,
        (45 * count_if(is_human))::decimal(18, 2) as human_review_cost
    from decisions
    group by campaign_no
)
select
    name_id('CAMP', campaign_no) as campaign_id, llm_cost::double as llm_cost,
    human_review_cost::double as human_review_cost, media_spend::double as media_spend,
    estimated_value::double as estimated_value,
    (
        earned.estimated_value - worked.llm_cost - worked.human_review_cost - earned.media_spend
    )::double as net_roi
from worked
inner join earned using (campaign_no)
order by campaign_no""",
    "funnel_events": """
with placed as (
    select
        *, row_no * day_count() + day_no as event_no,
        cell_no * day_count() + day_no as cell_day_no,
        uniform(cell_day_no, 'anomaly') / anomaly_rate() as anomaly,
        season * if(is_weekend, weekend, 1) as level
    from days
    inner join cell_stages on day between start_date and active_until
    where {day}
),
-- A funnel narrows by construction: all of a day's stages round alike, and a step of at most 0.85
-- is less than 0.92 / 1.08. Of the anomalies, a third have a last stage of zero, a third have one
-- above the previous stage, and the others have a low confidence.
counted as (
    select
        *,
        case
            when is_last and anomaly < 1 / 3 then 0
            when is_last and anomaly < 2 / 3 then floor(expected_before * level * 1.5)
            else floor(
                expected * level * (0.92 + 0.16 * uniform(event_no, 'count'))
                + uniform(cell_day_no, 'rounding')
            )
        end::bigint as event_count
    from placed
)
select
    -- Ids count up with time, as in a real orchestrator.
    name_id('FNL', day_no * (select count(*) from cell_stages) + row_no) as event_id,
    day::timestamp as timestamp, day as date,
    campaign_id, segment_id, channel_id, stage, event_count as count, source,
    round(
        if(anomaly between 2 / 3 and 1, 0.4, 0.86) + 0.12 * uniform(event_no, 'trust'), 2
    ) as confidence
from counted
order by day, row_no""",
    "budget_actions": """
select
    name_id('BUD', move_no) as budget_action_id, proposed_at as timestamp,
    name_id('CAMP', campaign_no) as campaign_id, name_id('CH', from_no) as from_channel_id,
    name_id('CH', to_no) as to_channel_id, amount::double as amount, currency, reason_code,
    'Judged on the week before: ' || replace(reason_code, '_', ' ') as reason_detail,
    proposed_by, is_approved as approved_by_human,
    if(is_approved, pick(['HUMAN_01', 'HUMAN_02', 'HUMAN_03'], move_no, 'approver'), null)
        as approver_id,
    if(is_approved, 5 + floor(240 * power(uniform(move_no, 'latency'), 2))::bigint, null)
        as approval_latency_minutes,
    status
from moves
order by move_no""",
    "campaign_risk_signals": """
select
    name_id('RSK', risk_no) as risk_id, raised_at as timestamp,
    name_id('CAMP', campaign_no) as campaign_id,
    if(risk_type = 'data_quality', null, name_id('EXP', experiment_no)) as experiment_id,
    if(
        risk_type = 'data_quality', []::varchar[],
        [name_id('ASSET', experiment_no * 2 - 1), name_id('ASSET', experiment_no * 2)]
    ) as asset_ids,
    risk_type, severity, evidence, recommended_action, status
from risks
order by risk_no""",
    "segment_rollups": """
select
    name_id('SEGROLL', rollup_no) as rollup_id, week_end - 6 as window_start,
    week_end as window_end, name_id('CAMP', campaign_no) as campaign_id,
    name_id('SEG', segment_no) as segment_id,
    round(impressions * if(is_anomaly(rollup_no, 'misreport'), 1.04, 1))::bigint as impressions,
    clicks::bigint as clicks, conversions::bigint as conversions, spend::double as spend,
    revenue::double as revenue_proxy, primary_kpi, coalesce(round(kpi, 4), 0) as kpi_value,
    round(trend, 2) as trend_vs_prior_window,
    case
        when trend <= stop_trend() then 'stop'
        when weeks.impressions >= enough_impressions() and weeks.conversions = 0 then 'stop'
        when trend >= scale_trend() then 'scale'
        when trend < 0 then 'revise'
        else 'hold'
    end as recommendation
from weeks
order by rollup_no""",
    "attribution_hints": """
with weekly as (
    select campaign_no, channel_no, week_end, sum(conversions) as conversions
    from performance
    group by campaign_no, channel_no, week_end
),
numbered as (
    select *, row_number() over (order by week_end, campaign_no, channel_no) as hint_no
    from weekly
)
select
    name_id('ATTR', hint_no) as hint_id, moment(week_end, 1200) as timestamp,
    name_id('CAMP', campaign_no) as campaign_id, name_id('CH', channel_no) as channel_id,
    floor(conversions * (0.2 + 0.8 * uniform(hint_no, 'share')))::bigint as attributed_conversions,
    pick(['first_touch', 'last_touch', 'assist', 'self_reported'], hint_no, 'method') as method,
    round(0.35 + 0.4 * uniform(hint_no, 'hint'), 2) as confidence
from numbered
order by hint_no""",
}
SERIES_DATASETS = ("performance_metrics", "funnel_events")


@dataclass(frozen=True)
class Format:
    """A file format: its extension, and the options of DuckDB's COPY."""

    extension: str
    options: str

    @classmethod
    def named(cls, name: str, compress: str | None) -> Format:
        """Return parquet, ndjson or json, the text formats optionally compressed (gz, zst)."""
        if name == "parquet":
            return cls("parquet", "format parquet")
        options = f"format json, array {name == 'json'}, timestampformat '%Y-%m-%dT%H:%M:%S'"
        if not compress:
            return cls(name, options)
        return cls(f"{name}.{compress}", f"{options}, compression {EXTENSIONS[compress]}")


def quoted(path: Path) -> str:
    """Return a path as an SQL literal."""
    return "'" + str(path).replace("'", "''") + "'"


def prepare(connection: duckdb.DuckDBPyConnection, arguments: argparse.Namespace) -> None:
    """Create the macros and the tables behind the datasets."""
    policy = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    values = policy | {
        "severities": quoted(PROJECT / "seeds/reference/risk_severities.csv"),
        "first_day": arguments.start,
        "last_day": arguments.start + timedelta(days=arguments.days - 1),
        "days": arguments.days,
        "campaigns": arguments.campaigns,
        "events": arguments.events or arguments.campaigns * arguments.days * EVENTS_A_DAY,
        "anomaly_rate": arguments.anomaly_rate,
        "approval_threshold": policy["budget_approval_threshold"]["USD"],
        "seed": arguments.seed,
    }
    for script in (MACROS, TABLES, SERIES, GOVERNANCE, WEEKS):
        connection.execute(script.format(**values))


def write(connection: duckdb.DuckDBPyConnection, query: str, stem: Path, form: Format) -> int:
    """Write the rows of a query to a file; return their number."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    file = quoted(stem.with_name(f"{stem.name}.{form.extension}"))
    return connection.execute(f"copy ({query}) to {file} ({form.options})").fetchone()[0]


def write_days(
    connection: duckdb.DuckDBPyConnection, dataset: str, folder: Path, form: Format
) -> int:
    """Write a series, one file per day; return the number of rows.

    A day is small enough for one thread, so several are written at once, and only these are in
    memory.
    """

    def write_day(day: date) -> int:
        query = EXPORTS[dataset].format(day=f"day = date '{day}'")
        with connection.cursor() as cursor:
            return write(cursor, query, folder / f"day={day}/part-0", form)

    days = [row[0] for row in connection.sql("select day from days order by day").fetchall()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(write_day, days))


def generate(arguments: argparse.Namespace) -> dict[str, int]:
    """Write all datasets; return the number of rows of each."""
    form = Format.named(arguments.format, arguments.compress)
    rows = {}
    with duckdb.connect() as connection:
        prepare(connection, arguments)
        for dataset, query in EXPORTS.items():
            stem = arguments.out / dataset
            if dataset in SERIES_DATASETS and not arguments.flat:
                rows[dataset] = write_days(connection, dataset, stem, form)
            else:
                rows[dataset] = write(connection, query.format(day="true"), stem, form)
    return rows


def parse(words: list[str]) -> argparse.Namespace:
    """Return the arguments; stop where they are wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="a folder, new or empty")
    parser.add_argument("--campaigns", type=int, default=400, help="default: %(default)s")
    parser.add_argument("--days", type=int, default=365, help="default: %(default)s")
    parser.add_argument(
        "--events", type=int, help="funnel events, about; default: 30 a campaign and day"
    )
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--format",
        choices=["parquet", "ndjson", "json"],
        default="parquet",
        help="default: %(default)s",
    )
    parser.add_argument("--compress", choices=list(EXTENSIONS), help="of ndjson and json")
    parser.add_argument("--flat", action="store_true", help="no day folders: a file a dataset")
    parser.add_argument(
        "--start",
        type=date.fromisoformat,
        default=date(2025, 1, 1),
        help="the first day; default: %(default)s",
    )
    parser.add_argument(
        "--anomaly-rate",
        type=float,
        default=0.002,
        help="share of records with a finding in them; default: %(default)s",
    )
    arguments = parser.parse_args(words)
    if min(arguments.campaigns, arguments.days, arguments.events or 1) < 1:
        parser.error("there is at least one of each")
    if arguments.out.exists() and any(arguments.out.iterdir()):
        parser.error(f"{arguments.out} is not empty")
    return arguments


def main() -> None:
    """Generate, and print the number of rows."""
    started = time.perf_counter()
    arguments = parse(sys.argv[1:])
    rows = generate(arguments)
    files = [file for file in arguments.out.rglob("*") if file.is_file()]
    for dataset, count in rows.items():
        print(f"{dataset:<24}{count:>12,}")
    size = sum(file.stat().st_size for file in files)
    seconds = time.perf_counter() - started
    print(f"{sum(rows.values()):,} rows, {len(files)} files, {size:,} bytes in {seconds:.1f} s")


if __name__ == "__main__":
    main()
