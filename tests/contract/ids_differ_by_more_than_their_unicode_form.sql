{%- set named = {
    'campaigns': 'campaign_id',
    'audience_segments': 'segment_id',
    'channels': 'channel_id',
    'creative_assets': 'asset_id',
    'experiments': 'experiment_id',
    'budget_actions': 'budget_action_id',
    'campaign_risk_signals': 'risk_id',
    'orchestrator_decisions': 'decision_id',
} -%}

{{ config(
    severity='warn',
    description="Ids of a dataset differ by more than their Unicode form; two that differ only in it are probably the
        same.",
) }}

with ids as (
    {%- for dataset, id in named.items() %}

    select
        '{{ dataset }}' as dataset,
        {{ id }} as id,
        {{ unicode_form(id) }} as form
    from {{ ref('stg_' ~ dataset) }}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

-- An id that is exported twice is another test's.
alike as (

    select
        dataset,
        form
    from ids
    group by dataset, form
    having count(distinct id) > 1

)

select
    ids.dataset,
    ids.id
from ids
inner join alike using (dataset, form)
