{%- set reference_seeds = [
    'contract_rules',
    'contract_waivers',
    'evidence_measures',
    'experiment_designs',
    'kpi_definitions',
    'risk_concerns',
    'risk_definitions',
    'risk_severities',
    'rollup_measures',
    'scorecard_metrics',
    'status_transitions',
] -%}

with as_of as (

    select * from {{ ref('int_as_of') }}

),

inputs as (

    select * from {{ ref('int_inputs') }}

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
        {{ fingerprint(standing_log(ref('status_log')) ~ ' as standing') }} as history_hash
    from {{ standing_log(ref('status_log')) }} as standing
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
