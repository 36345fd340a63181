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

compliance as (

    select * from {{ ref('contract_compliance') }}

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
        count(*) as all_actions,
        sum(case when approval_state = 'approved' then 1 else 0 end) as approved_actions,
        sum(case when approval_state = 'pending' then 1 else 0 end) as pending_actions
    from actions

),

segment_figures as (

    select
        count(*) as all_segments,
        sum(case when recommendation <> 'stop' then 1 else 0 end) as segments_on_target,
        sum(case when is_beyond_noise and kpi_value > prior_kpi_value then 1 else 0 end) as segments_improving,
        sum(case when is_beyond_noise and kpi_value < prior_kpi_value then 1 else 0 end) as segments_declining
    from rollups
    where is_judged

),

risk_figures as (

    select
        sum(case when status = 'open' then 1 else 0 end) as open_risks,
        sum(case when review_state = 'overdue' then 1 else 0 end) as overdue_risks
    from risk_signals

),

campaign_figures as (

    select
        sum(net_roi) as net_roi,
        sum(ledger_cost) as ledger_cost
    from campaigns

),

-- Conclusive: healthy, and its test says that the arms differ.
experiment_figures as (

    select
        sum(case when status = 'running' then 1 else 0 end) as running_experiments,
        sum(case when status = 'completed' then 1 else 0 end) as completed_experiments,
        -- Decimals add up the same in any order.
        sum(case when health = 'ready' and is_significant then cast(relative_lift as decimal(38, 18)) end)
            as conclusive_lift,
        count(case when health = 'ready' and is_significant then relative_lift end) as conclusive_experiments,
        -- At most, were no tested arms different: as many false ones as tests at the largest p-value that was taken.
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

compliance_figures as (

    select sum(case when status = 'fail' then 1 else 0 end) as failing_rules
    from compliance

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

-- How far the orchestrator can be trusted; null where there is not enough to say, of each kind by itself.
vigilance_figures as (

    select max(case when risk_type = 'all' and status = 'judged' then reported_share end) as reported_share
    from vigilance

),

accuracy_figures as (

    select {{ rate('sum(cast(borne_out_share * records as decimal(38, 18)))', 'sum(records)') }} as borne_out_share
    from reports
    where records >= {{ var('track_record_minimum') }}

),

calibration_figures as (

    select max(case when calibration not in ('not_enough', 'unclear') then gap end) as gap
    from calibration
    where bucket = 'all'

),

metrics as (

    select
        1 as metric_order,
        'budget_approval_rate' as metric,
        'Budget actions approved by a person' as metric_label,
        'share' as unit,
        {{ rate('approved_actions', 'all_actions') }} as actual,
        cast({{ var('target_approval_rate') }} as double) as target,
        'at_least' as target_kind
    from action_figures

    union all

    select
        2 as metric_order,
        'segments_on_target' as metric,
        'Segments not recommended to stop' as metric_label,
        'share' as unit,
        {{ rate('segments_on_target', 'all_segments') }} as actual,
        cast({{ var('target_segments_on_target') }} as double) as target,
        'at_least' as target_kind
    from segment_figures

    union all

    select
        3 as metric_order,
        'open_risks' as metric,
        'Open risk signals' as metric_label,
        'count' as unit,
        cast(coalesce(open_risks, 0) as double) as actual,
        cast({{ var('target_open_risks') }} as double) as target,
        'at_most' as target_kind
    from risk_figures

    union all

    select
        4 as metric_order,
        'pending_reallocations' as metric,
        'Budget actions waiting for a decision' as metric_label,
        'count' as unit,
        cast(coalesce(pending_actions, 0) as double) as actual,
        cast({{ var('target_pending_reallocations') }} as double) as target,
        'at_most' as target_kind
    from action_figures

    union all

    select
        5 as metric_order,
        'roi' as metric,
        'Net return on all ledger costs' as metric_label,
        'share' as unit,
        {{ rate('net_roi', 'ledger_cost') }} as actual,
        cast({{ var('target_roi') }} as double) as target,
        'at_least' as target_kind
    from campaign_figures

    union all

    select
        6 as metric_order,
        'running_experiments' as metric,
        'Experiments running' as metric_label,
        'count' as unit,
        cast(coalesce(running_experiments, 0) as double) as actual,
        cast(null as double) as target,
        cast(null as string) as target_kind
    from experiment_figures

    union all

    select
        7 as metric_order,
        'completed_experiments' as metric,
        'Experiments completed' as metric_label,
        'count' as unit,
        cast(coalesce(completed_experiments, 0) as double) as actual,
        cast(null as double) as target,
        cast(null as string) as target_kind
    from experiment_figures

    union all

    select
        8 as metric_order,
        'average_conclusive_lift' as metric,
        'Average relative lift of conclusive experiments' as metric_label,
        'share' as unit,
        {{ rate('conclusive_lift', 'conclusive_experiments') }} as actual,
        cast(null as double) as target,
        cast(null as string) as target_kind
    from experiment_figures

    union all

    select
        9 as metric_order,
        'expected_false_share' as metric,
        'Share of conclusive experiments to expect false, at most' as metric_label,
        'share' as unit,
        cast(expected_false_share as double) as actual,
        cast(null as double) as target,
        cast(null as string) as target_kind
    from experiment_figures

    union all

    select
        10 as metric_order,
        'segments_improving' as metric,
        'Segments whose KPI rose beyond noise' as metric_label,
        'count' as unit,
        cast(segments_improving as double) as actual,
        cast(null as double) as target,
        cast(null as string) as target_kind
    from segment_figures

    union all

    select
        11 as metric_order,
        'segments_declining' as metric,
        'Segments whose KPI fell beyond noise' as metric_label,
        'count' as unit,
        cast(segments_declining as double) as actual,
        cast(null as double) as target,
        cast(null as string) as target_kind
    from segment_figures

    union all

    select
        12 as metric_order,
        'vigilance' as metric,
        'Risks in the data that a signal reports' as metric_label,
        'share' as unit,
        cast(reported_share as double) as actual,
        cast(null as double) as target,
        cast(null as string) as target_kind
    from vigilance_figures

    union all

    select
        13 as metric_order,
        'accuracy' as metric,
        'Reported figures and evidence that match what was measured' as metric_label,
        'share' as unit,
        cast(borne_out_share as double) as actual,
        cast(null as double) as target,
        cast(null as string) as target_kind
    from accuracy_figures

    union all

    select
        14 as metric_order,
        'calibration' as metric,
        'Confidence claimed beyond the decisions that stood' as metric_label,
        'share' as unit,
        cast(gap as double) as actual,
        cast(null as double) as target,
        cast(null as string) as target_kind
    from calibration_figures

),

judged_metrics as (

    select
        *,
        case
            when metric in ('vigilance', 'accuracy', 'calibration') and actual is null then 'not_enough'
            when target is null then 'informational'
            when actual is null then 'no_data'
            when target_kind = 'at_least' and actual >= target then 'on_target'
            when target_kind = 'at_most' and actual <= target then 'on_target'
            else 'off_target'
        end as verdict
    from metrics

),

told_metrics as (

    select
        *,
        {{ metric_text('actual', 'unit') }} as actual_text,
        {{ metric_text('target', 'unit') }} as target_text
    from judged_metrics

),

-- What has no data is not on track.
missed_targets as (

    select {{ string_list(
        "case verdict when 'off_target' then lower(metric_label) || ' ' || actual_text || ', target ' || target_text"
        ~ " when 'no_data' then lower(metric_label) || ': no data' end",
        'metric_order',
        '; '
    ) }} as missed
    from told_metrics

),

health as (

    select
        missed_targets.missed,
        case
            when compliance_figures.failing_rules > 0
                then cast(compliance_figures.failing_rules as string) || ' contract rules broken'
        end as broken,
        case
            when risk_figures.overdue_risks > 0
                then cast(risk_figures.overdue_risks as string) || ' risk reviews overdue'
        end as overdue
    from missed_targets
    cross join compliance_figures
    cross join risk_figures

),

final as (

    select
        0 as metric_order,
        'health' as metric,
        'Health' as metric_label,
        'verdict' as unit,
        cast(null as double) as actual,
        cast(null as double) as target,
        case when coalesce(broken, overdue, missed) is null then 'on_track' else 'attention' end as verdict,
        nullif({{ joined_reasons(['broken', 'overdue', 'missed']) }}, '') as reasons
    from health

    union all

    select
        metric_order,
        metric,
        metric_label,
        unit,
        actual,
        target,
        verdict,
        cast(null as string) as reasons
    from judged_metrics

)

select * from final
