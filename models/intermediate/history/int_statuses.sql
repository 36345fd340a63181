{#- Dataset, its id, and the fields whose changes are kept; as the columns of staging and as the export calls them. -#}
{%- set kept = [
    ('campaigns', 'campaign_id', {'status': 'status'}),
    ('experiments', 'experiment_id', {'status': 'status'}),
    ('budget_actions', 'budget_action_id', {
        'status': 'status',
        'amount': 'amount',
        'currency': 'currency',
        'from_channel_id': 'from_channel_id',
        'to_channel_id': 'to_channel_id',
        'is_approved_by_human': 'approved_by_human',
        'approver_id': 'approver_id',
        'approval_latency_minutes': 'approval_latency_minutes',
    }),
    ('campaign_risk_signals', 'risk_id', {'status': 'status'}),
] -%}

with final as (
    {%- for dataset, id, columns in kept %}
    {%- for column, attribute in columns.items() %}

    select
        '{{ dataset }}' as dataset,
        {{ id }} as record_id,
        campaign_id,
        '{{ attribute }}' as attribute,
        cast({{ column }} as string) as value
    from {{ ref('stg_' ~ dataset) }}

    union all
    {%- endfor %}
    {%- endfor %}

    -- The number of records of each dataset.
    select
        dataset,
        dataset as record_id,
        cast(null as string) as campaign_id,
        'row_count' as attribute,
        cast(row_count as string) as value
    from {{ ref('int_inputs') }}

)

select * from final
