with rollups as (

    select * from {{ ref('segment_rollups') }}

),

experiments as (

    select * from {{ ref('int_experiments') }}

),

assets as (

    select * from {{ ref('stg_creative_assets') }}

),

decisions as (

    select * from {{ ref('int_decisions') }}

),

subjects as (

    select * from {{ ref('int_decision_subjects') }}

),

daily_spend as (

    select * from {{ ref('int_daily_spend') }}
    where record_kind = 'segment'

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

money_for_more as (

    select * from {{ ref('int_segment_money') }}

),

recommended_segments as (

    select
        *,
        {{ end_of_day('recommended_since') }} as waiting_since
    from rollups
    where
        is_judged
        and is_borne_out

),

-- A decision names a segment by its id, or by the id of an experiment on it.
segment_names as (

    select
        campaign_id,
        segment_id,
        'segment' as record_kind,
        segment_id as record_id
    from recommended_segments

    union

    select
        experiments.campaign_id,
        assets.segment_id,
        'experiment' as record_kind,
        experiments.experiment_id as record_id
    from experiments
    inner join assets
        on assets.asset_id in (experiments.control_asset_id, experiments.variant_asset_id)

),

-- The last human decision that is still valid.
answers as (

    select
        segments.campaign_id,
        segments.segment_id,
        decisions.decision_id,
        decisions.decided_at,
        row_number() over (
            partition by segments.campaign_id, segments.segment_id
            order by decisions.decided_at desc, decisions.decision_id asc
        ) as recency
    from recommended_segments as segments
    cross join as_of
    inner join segment_names
        on
            segments.campaign_id = segment_names.campaign_id
            and segments.segment_id = segment_names.segment_id
    inner join subjects
        on
            segment_names.record_kind = subjects.record_kind
            and segment_names.record_id = subjects.record_id
            and subjects.is_in_action_taken
    inner join decisions
        on
            subjects.decision_id = decisions.decision_id
            -- A segment can be in several campaigns, an experiment only in one.
            and (segment_names.record_kind = 'experiment' or segments.campaign_id = decisions.campaign_id)
            and decisions.is_human_override
            and segments.waiting_since < decisions.decided_at
            and as_of.as_of <= {{ add_minutes('decisions.decided_at', 24 * 60 * var('segment_decision_days')) }}

),

final as (

    select
        segments.recommendation || '_segment' as action_type,
        segments.campaign_id || ' | ' || segments.segment_id as record_id,
        segments.campaign_id,
        cast(segments.conversions as string) || ' conversions from ' || cast(segments.impressions as string)
        || ' impressions in the window that ends ' || cast(segments.window_end as string)
        || coalesce(', trend ' || {{ percent_text('segments.trend_vs_prior_window') }}, '')
        || coalesce(case when segments.recommendation = 'scale' then money_for_more.where_to end, '') as reason,
        segments.recommendation || ' ' || segments.segment_name as what_to_do,
        daily_spend.spend_per_day,
        answers.decision_id as answered_by_decision_id,
        answers.decided_at as answered_at,
        segments.waiting_since
    from recommended_segments as segments
    left join daily_spend
        on segments.campaign_id || ' | ' || segments.segment_id = daily_spend.record_id
    left join money_for_more
        on
            segments.campaign_id = money_for_more.campaign_id
            and segments.segment_id = money_for_more.segment_id
    left join answers
        on
            segments.campaign_id = answers.campaign_id
            and segments.segment_id = answers.segment_id
            and answers.recency = 1

)

select * from final
