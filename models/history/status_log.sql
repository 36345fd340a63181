{#-
  Append-only, so that nothing that a build does or leaves out can close or change what was seen
  before, and one insert, so that an export is remembered whole or not at all.
-#}

-- What breaks a structural rule is no history: rules 1 to 3 are tested on contract_violations.
-- depends_on: {{ ref('contract_violations') }}

with statuses as (

    select * from {{ ref('int_statuses') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

logged as (
    {% if is_incremental() %}
    select * from {{ this }}
    {% else %}
    select
        cast(null as integer) as export_number,
        cast(null as timestamp) as seen_at,
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
        max(seen_at) as seen_at
    from logged

),

-- Whatever moment is shown, an export is as of its own newest event.
export as (

    select
        newest_event_at as seen_at,
        {{ fingerprint(ref('int_statuses')) }} as export_hash
    from as_of

),

-- An older export is no news, and of several as of one moment each counts once: building one of
-- them again is no change back.
new_export as (

    select
        last_export.export_number + 1 as export_number,
        export.seen_at,
        export.export_hash
    from export
    cross join last_export
    left join logged
        on
            export.seen_at = logged.seen_at
            and export.export_hash = logged.export_hash
            and logged.dataset is null
    where
        export.seen_at >= coalesce(last_export.seen_at, export.seen_at)
        and logged.export_number is null

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
    from new_export
    where exists (select 1 from statuses)

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
