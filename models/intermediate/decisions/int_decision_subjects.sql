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

records as (
    {%- for kind, model, id, known_at in records %}

    select
        '{{ kind }}' as record_kind,
        {{ id }} as record_id,
        {{ known_at or 'cast(null as timestamp)' }} as known_at
    from {{ ref(model) }}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

-- A plain number is more likely an amount than an id.
nameable_records as (

    select
        records.record_kind,
        records.record_id,
        {{ first_word('records.record_id') }} as first_word
    from records
    cross join as_of
    where
        {{ has_letter('records.record_id') }}
        and coalesce(records.known_at, as_of.as_of) <= as_of.as_of

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

-- Most ids are one word; an id of several words is looked for where its first word is.
final as (

    select
        words.decision_id,
        records.record_kind,
        records.record_id,
        max(words.is_of_action) = 1 as is_in_action_taken
    from words
    inner join nameable_records as records
        on words.word = records.first_word
    where
        words.word = records.record_id
        or {{ stands_free('words.text', 'records.record_id') }}
    group by words.decision_id, records.record_kind, records.record_id

)

select * from final
