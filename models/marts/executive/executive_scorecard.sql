{%- set targets = {
    'budget_approval_rate': var('target_approval_rate'),
    'segments_on_target': var('target_segments_on_target'),
    'open_risks': var('target_open_risks'),
    'pending_reallocations': var('target_pending_reallocations'),
    'roi': var('target_roi'),
} -%}

with metrics as (

    select * from {{ ref('scorecard_metrics') }}

),

figures as (

    select * from {{ ref('int_scorecard_figures') }}

),

broken_rules as (

    select count(*) as rule_count
    from {{ ref('contract_compliance') }}
    where status = 'fail'

),

overdue_reviews as (

    select count(*) as review_count
    from {{ ref('risk_escalation') }}
    where review_state = 'overdue'

),

-- A figure without a row in the seed becomes a metric without an order, which fails a test.
targeted_metrics as (

    select
        metrics.metric_order,
        figures.metric,
        metrics.metric_label,
        metrics.unit,
        figures.actual,
        case figures.metric
            {%- for metric, target in targets.items() %}
            when '{{ metric }}' then cast({{ target }} as double)
            {%- endfor %}
        end as target,
        metrics.target_kind,
        metrics.verdict_without_figure
    from figures
    left join metrics
        on figures.metric = metrics.metric

),

judged_metrics as (

    select
        *,
        case
            when actual is null then verdict_without_figure
            when target is null then 'informational'
            when target_kind = 'at_least' and actual >= target then 'on_target'
            when target_kind = 'at_most' and actual <= target then 'on_target'
            else 'off_target'
        end as verdict
    from targeted_metrics

),

told_metrics as (

    select
        *,
        {{ metric_text('actual', 'unit') }} as actual_text,
        {{ metric_text('target', 'unit') }} as target_text
    from judged_metrics

),

-- A metric without data is not on track.
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
            when broken_rules.rule_count > 0
                then cast(broken_rules.rule_count as string) || ' contract rules broken'
        end as broken,
        case
            when overdue_reviews.review_count > 0
                then cast(overdue_reviews.review_count as string) || ' risk reviews overdue'
        end as overdue
    from missed_targets
    cross join broken_rules
    cross join overdue_reviews

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
