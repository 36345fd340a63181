{%- set records = {
    'campaign': ('stg_campaigns', 'campaign_id'),
    'segment': ('stg_audience_segments', 'segment_id'),
    'channel': ('stg_channels', 'channel_id'),
    'asset': ('stg_creative_assets', 'asset_id'),
    'experiment': ('stg_experiments', 'experiment_id'),
    'budget_action': ('stg_budget_actions', 'budget_action_id'),
    'risk': ('stg_campaign_risk_signals', 'risk_id'),
} -%}

with decisions as (

    select * from {{ ref('int_decisions') }}

),

record_ids as (
    {%- for kind, (model, id) in records.items() %}

    select
        '{{ kind }}' as record_kind,
        {{ id }} as record_id
    from {{ ref(model) }}
    -- A number alone is an amount more often than an id.
    where {{ has_letter(id) }}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

words as (

    select
        decision_id,
        0 as is_of_action,
        {{ each_word('decision_trigger') }} as word
    from decisions

    union all

    select
        decision_id,
        1 as is_of_action,
        {{ each_word('action_taken') }} as word
    from decisions

),

final as (

    select
        words.decision_id,
        record_ids.record_kind,
        record_ids.record_id,
        max(words.is_of_action) = 1 as is_in_action_taken
    from words
    inner join record_ids
        on words.word = record_ids.record_id
    group by words.decision_id, record_ids.record_kind, record_ids.record_id

)

select * from final
