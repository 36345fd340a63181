{#- Kind of record, where its ids are, and since when an id can be known. -#}
{%- set records = [
    ('campaign', 'stg_campaigns', 'campaign_id', none),
    ('segment', 'stg_audience_segments', 'segment_id', none),
    ('channel', 'stg_channels', 'channel_id', none),
    ('asset', 'stg_creative_assets', 'asset_id', none),
    ('experiment', 'stg_experiments', 'experiment_id', none),
    ('budget_action', 'stg_budget_actions', 'budget_action_id', 'proposed_at'),
    ('risk', 'stg_campaign_risk_signals', 'risk_id', 'raised_at'),
] -%}

with decisions as (

    select * from {{ ref('int_decisions') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

record_ids as (
    {%- for kind, model, id, known_at in records %}

    select
        '{{ kind }}' as record_kind,
        records.{{ id }} as record_id,
        {{ first_word('records.' ~ id) }} as first_word
    from {{ ref(model) }} as records
    {%- if known_at %}
    cross join as_of
    {%- endif %}
    where
        -- A number alone is an amount more often than an id.
        {{ has_letter('records.' ~ id) }}
        {%- if known_at %}
        and records.{{ known_at }} <= as_of.as_of
        {%- endif %}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

texts as (

    select
        decision_id,
        0 as is_of_action,
        decision_trigger as text
    from decisions

    union all

    select
        decision_id,
        1 as is_of_action,
        action_taken as text
    from decisions

),

words as (

    select
        *,
        {{ each_word('text') }} as word
    from texts

),

-- An id is a word as a rule; one of several words stands where its first word does.
final as (

    select
        words.decision_id,
        record_ids.record_kind,
        record_ids.record_id,
        max(words.is_of_action) = 1 as is_in_action_taken
    from words
    inner join record_ids
        on words.word = record_ids.first_word
    where
        words.word = record_ids.record_id
        or {{ stands_free('words.text', 'record_ids.record_id') }}
    group by words.decision_id, record_ids.record_kind, record_ids.record_id

)

select * from final
