{#-
  Append-only, so that nothing that a build does or leaves out can close or change what was seen
  before, and one insert, so that an export is remembered whole or not at all.
-#}
{%- set judged = [
    'stg_audience_segments',
    'stg_channels',
    'stg_roi_ledger',
    'stg_segment_rollups',
    'int_performance_daily',
    'int_funnel_daily',
    'int_funnel_stages',
    'kpi_definitions',
    'rollup_measures',
    'evidence_measures',
    'status_transitions',
    'contract_violations',
] -%}

-- What breaks a structural rule is no history: dbt stops at a failed test what lies below all that
-- it judges, so that all of it has to lie above.
{%- for name in judged %}
-- depends_on: {{ ref(name) }}
{%- endfor %}

with statuses as (

    select * from {{ ref('int_statuses') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

inputs as (

    select * from {{ ref('int_inputs') }}

),

logged as (
    {% if is_incremental() %}
    select * from {{ this }}
    {% else %}
    select
        cast(null as integer) as export_number,
        cast(null as timestamp) as seen_at,
        cast(null as timestamp) as newest_record_at,
        cast(null as string) as export_hash,
        cast(null as string) as dataset,
        cast(null as string) as record_id,
        cast(null as string) as campaign_id,
        cast(null as string) as attribute,
        cast(null as string) as value
    where false
    {% endif %}
),

last_export as (

    select
        coalesce(max(export_number), 0) as export_number,
        max(seen_at) as seen_at,
        max(newest_record_at) as newest_record_at
    from logged

),

content as (

    select md5({{ string_list("dataset || '=' || content_hash", 'dataset', ',') }}) as export_hash
    from inputs

),

-- Whatever moment is shown, an export is as of its own newest event; a withdrawn approval can take
-- that back, but not before what was seen. An older export is no news, and building one that was
-- seen before again is no change back.
new_export as (

    select
        last_export.export_number + 1 as export_number,
        greatest(as_of.newest_event_at, coalesce(last_export.seen_at, as_of.newest_event_at)) as seen_at,
        as_of.newest_record_at,
        content.export_hash
    from as_of
    cross join content
    cross join last_export
    left join logged
        on
            content.export_hash = logged.export_hash
            and logged.dataset is null
    where
        as_of.newest_record_at >= coalesce(last_export.newest_record_at, as_of.newest_record_at)
        and logged.export_number is null
        and {{ 'true' if takes_in_a_whole_export() else 'false' }}

),

ranked as (

    select
        dataset,
        record_id,
        attribute,
        value,
        row_number() over (
            partition by dataset, record_id, attribute
            order by export_number desc
        ) as recency
    from logged
    where dataset is not null

),

-- Only what differs from what was seen last; a record that is missing says nothing.
news as (

    select statuses.*
    from statuses
    left join ranked
        on
            statuses.dataset = ranked.dataset
            and statuses.record_id = ranked.record_id
            and statuses.attribute = ranked.attribute
            and ranked.recency = 1
    where statuses.value is distinct from ranked.value

),

-- The export itself is an entry too, with no dataset: also one without news was seen.
entries as (

    select
        cast(null as string) as dataset,
        cast(null as string) as record_id,
        cast(null as string) as campaign_id,
        cast(null as string) as attribute,
        cast(null as string) as value

    union all

    select
        dataset,
        record_id,
        campaign_id,
        attribute,
        value
    from news

),

final as (

    select
        cast(new_export.export_number as integer) as export_number,
        new_export.seen_at,
        new_export.newest_record_at,
        new_export.export_hash,
        entries.dataset,
        entries.record_id,
        entries.campaign_id,
        entries.attribute,
        entries.value
    from entries
    cross join new_export

)

select * from final
