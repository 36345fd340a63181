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
{%- set reference_seeds = [
    'contract_rules',
    'contract_waivers',
    'evidence_measures',
    'kpi_definitions',
    'risk_severities',
    'rollup_measures',
    'status_transitions',
] -%}

with as_of as (

    select * from {{ ref('int_as_of') }}

),

inputs as (
    {%- for input in inputs %}

    select
        '{{ input[4:] }}' as dataset,
        (select count(*) from {{ ref(input) }}) as row_count,
        {{ fingerprint(ref(input)) }} as content_hash
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

inputs_as_json as (

    select
        '{' || {{ string_list(
            "'\"' || dataset || '\": {\"rows\": ' || row_count || ', \"hash\": \"' || content_hash || '\"}'",
            'dataset',
            ', '
        ) }} || '}' as inputs,
        sum(row_count) as input_rows
    from inputs

),

history as (

    select
        count(*) as exports_seen,
        {{ fingerprint(ref('status_log')) }} as history_hash
    from {{ ref('status_log') }}
    where dataset is null

),

final as (

    select
        as_of.as_of,
        as_of.newest_event_at,
        as_of.covers_all_events,
        cast(inputs_as_json.input_rows as bigint) as input_rows,
        inputs_as_json.inputs,
        cast(history.exports_seen as integer) as exports_seen,
        history.history_hash,
        {{ policy_as_json() }} as policy,
        '{' {%- for seed in reference_seeds %}
        || '{{ ", " if not loop.first }}"{{ seed }}": ' || {{ rows_as_json(ref(seed)) }}
        {%- endfor %} || '}' as reference_policy
    from as_of
    cross join inputs_as_json
    cross join history

)

select * from final
