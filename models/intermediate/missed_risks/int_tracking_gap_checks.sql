with reports as (

    select * from {{ ref('int_asset_reports') }}

),

experiments as (

    select * from {{ ref('int_experiments') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

definitions as (

    select * from {{ ref('risk_definitions') }}
    where definition = 'tracking_gap'

),

-- An asset that was taken down stops reporting; only a running experiment shows that its assets should report.
running_arms as (

    select control_asset_id as asset_id from experiments
    where status = 'running'

    union

    select variant_asset_id as asset_id from experiments
    where status = 'running'

),

reports_and_now as (

    select
        asset_id,
        campaign_id,
        reported_on
    from reports

    union all

    select
        reports.asset_id,
        reports.campaign_id,
        {{ add_days('cast(max(as_of.as_of) as date)', 1) }} as reported_on
    from reports
    inner join running_arms using (asset_id)
    cross join as_of
    group by reports.asset_id, reports.campaign_id

),

gaps as (

    select
        *,
        lag(reported_on) over by_report as previous_on,
        {{ days_between('lag(reported_on) over by_report', 'reported_on') }} as gap_days
    from reports_and_now
    window by_report as (partition by asset_id order by reported_on)

),

gaps_and_longest as (

    select
        *,
        max(gap_days) over gaps_before as longest_gap_days,
        count(gap_days) over gaps_before as gaps_before
    from gaps
    window gaps_before as (
        partition by asset_id
        order by reported_on
        rows between unbounded preceding and 1 preceding
    )

),

judged as (

    select
        gaps_and_longest.*,
        definitions.definition,
        definitions.limit_value,
        cast(floor(definitions.limit_value * gaps_and_longest.longest_gap_days) as integer) as tolerated_days,
        gaps_and_longest.gaps_before >= definitions.minimum_sample as is_enough
    from gaps_and_longest
    cross join definitions
    where gaps_and_longest.gap_days is not null

),

-- A pause of the whole campaign is no gap.
days_of_others as (

    select
        judged.asset_id,
        judged.reported_on,
        count(distinct others.reported_on) as days_others_reported
    from judged
    inner join reports as others
        on
            judged.campaign_id = others.campaign_id
            and judged.asset_id <> others.asset_id
            and judged.previous_on < others.reported_on
            and judged.reported_on > others.reported_on
    where
        judged.is_enough
        and judged.gap_days > judged.tolerated_days
    group by judged.asset_id, judged.reported_on

),

-- A gap is seen on the day after the last day on which the report would still have been in time.
final as (

    select
        judged.definition,
        judged.asset_id,
        case
            when days_of_others.asset_id is null then judged.reported_on
            else {{ add_days('judged.previous_on', 'judged.tolerated_days') }}
        end as checked_on,
        coalesce(days_of_others.days_others_reported >= judged.limit_value, false) as is_met,
        {{ add_days('judged.previous_on', 1) }} as facts_from,
        {{ add_days('judged.reported_on', -1) }} as held_until,
        'no report for ' || cast(judged.gap_days - 1 as string) || ' days, '
        || cast(judged.longest_gap_days - 1 as string) || ' at most before' as fact
    from judged
    left join days_of_others
        on
            judged.asset_id = days_of_others.asset_id
            and judged.reported_on = days_of_others.reported_on

)

select * from final
