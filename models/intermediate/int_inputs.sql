{%- set inputs = [
    'raw_campaigns',
    'raw_audience_segments',
    'raw_channels',
    'raw_creative_assets',
    'raw_experiments',
    'raw_performance_metrics',
    'raw_orchestrator_decisions',
    'raw_roi_ledger',
    'raw_funnel_events',
    'raw_budget_actions',
    'raw_campaign_risk_signals',
    'raw_segment_rollups',
    'raw_attribution_hints',
] -%}

with final as (
    {%- for input in inputs %}

    select
        '{{ input[4:] }}' as dataset,
        (select count(*) from {{ ref(input) }}) as row_count,
        {{ fingerprint(ref(input)) }} as content_hash
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

)

select * from final
