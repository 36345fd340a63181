{%- set metrics = [
    'budget_approval_rate', 'segments_on_target', 'open_risks', 'pending_reallocations', 'roi', 'running_experiments',
    'completed_experiments', 'average_conclusive_lift', 'expected_false_share', 'segments_improving',
    'segments_declining', 'vigilance', 'accuracy', 'calibration',
] -%}

with actions as (

    select * from {{ ref('budget_action_audit') }}

),

rollups as (

    select * from {{ ref('segment_rollups') }}

),

risk_signals as (

    select * from {{ ref('risk_escalation') }}

),

campaigns as (

    select * from {{ ref('campaign_performance') }}

),

experiments as (

    select * from {{ ref('experiment_results') }}

),

vigilance as (

    select * from {{ ref('risk_vigilance') }}

),

track_record as (

    select * from {{ ref('orchestrator_track_record') }}

),

calibration as (

    select * from {{ ref('confidence_calibration') }}

),

action_figures as (

    select
        {{ rate("count(case when approval_state = 'approved' then 1 end)", 'count(*)') }} as budget_approval_rate,
        count(case when approval_state = 'pending' then 1 end) as pending_reallocations
    from actions

),

segment_figures as (

    select
        {{ rate("count(case when recommendation <> 'stop' then 1 end)", 'count(*)') }} as segments_on_target,
        sum(case when is_beyond_noise and kpi_value > prior_kpi_value then 1 else 0 end) as segments_improving,
        sum(case when is_beyond_noise and kpi_value < prior_kpi_value then 1 else 0 end) as segments_declining
    from rollups
    where is_judged

),

risk_figures as (

    select count(case when status = 'open' then 1 end) as open_risks
    from risk_signals

),

campaign_figures as (

    select {{ rate('sum(net_roi)', 'sum(ledger_cost)') }} as roi
    from campaigns

),

-- Conclusive: healthy and significant.
experiment_figures as (

    select
        count(case when status = 'running' then 1 end) as running_experiments,
        count(case when status = 'completed' then 1 end) as completed_experiments,
        -- Sums of decimals do not depend on the order.
        {{ rate(
            "sum(case when health = 'ready' and is_significant then cast(relative_lift as decimal(38, 18)) end)",
            "count(case when health = 'ready' and is_significant then relative_lift end)"
        ) }} as average_conclusive_lift,
        -- Upper bound, as if no arms differed: number of tests times the largest significant p-value.
        case
            when count(case when health = 'ready' and is_significant then 1 end) > 0
                then least(
                    count(case when health <> 'unhealthy' then decision_p_value end)
                    * max(case when health = 'ready' and is_significant then decision_p_value end)
                    / count(case when health = 'ready' and is_significant then 1 end),
                    1
                )
        end as expected_false_share
    from experiments

),

reports as (

    select
        claim_kind,
        sum(checked_records) as records,
        {{ rate('sum(borne_out)', 'sum(checked)') }} as borne_out_share
    from track_record
    where claim_kind in ('reported_figure', 'risk_evidence')
    group by claim_kind

),

-- Trust in the orchestrator; each kind is null with too little data.
vigilance_figures as (

    select max(case when risk_type = 'all' and status = 'judged' then reported_share end) as vigilance
    from vigilance

),

accuracy_figures as (

    select {{ rate('sum(cast(borne_out_share * records as decimal(38, 18)))', 'sum(records)') }} as accuracy
    from reports
    where records >= {{ var('track_record_minimum') }}

),

calibration_figures as (

    select max(case when calibration not in ('not_enough', 'unclear') then gap end) as calibration
    from calibration
    where bucket = 'all'

),

all_figures as (

    select
        action_figures.*,
        segment_figures.*,
        risk_figures.*,
        campaign_figures.*,
        experiment_figures.*,
        vigilance_figures.*,
        accuracy_figures.*,
        calibration_figures.*
    from action_figures
    cross join segment_figures
    cross join risk_figures
    cross join campaign_figures
    cross join experiment_figures
    cross join vigilance_figures
    cross join accuracy_figures
    cross join calibration_figures

),

final as (
    {%- for metric in metrics %}

    select
        '{{ metric }}' as metric,
        cast({{ metric }} as double) as actual
    from all_figures
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

)

select * from final
