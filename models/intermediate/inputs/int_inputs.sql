{%- set inputs = [
    'campaigns',
    'audience_segments',
    'channels',
    'creative_assets',
    'experiments',
    'orchestrator_decisions',
    'roi_ledger',
    'budget_actions',
    'campaign_risk_signals',
    'segment_rollups',
    'attribution_hints',
] -%}
{%- set inputs_by_day = ['performance_metrics', 'funnel_events'] -%}

with final as (
    {%- for input in inputs %}

    select
        '{{ input }}' as dataset,
        count(*) as row_count,
        {{ hash_text(combined_hash(row_hash(declared_fields(input)))) }} as content_hash
    from {{ ref('raw_' ~ input) }}

    union all
    {%- endfor %}
    {%- for input in inputs_by_day %}

    select
        '{{ input }}' as dataset,
        cast(coalesce(sum(row_count), 0) as bigint) as row_count,
        {{ hash_text(combined_hash('content_hash')) }} as content_hash
    from {{ ref('int_days_of_' ~ input) }}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

)

select * from final
