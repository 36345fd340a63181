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
    'experiment_designs',
    'rollup_measures',
    'evidence_measures',
    'risk_concerns',
    'risk_definitions',
    'scorecard_metrics',
    'status_transitions',
    'contract_violations',
] -%}

-- An export that breaks a structural rule must not enter the history. dbt skips only what is downstream of all
-- parents of a failed test, so all of these models must be upstream.
{%- for name in judged %}
-- depends_on: {{ ref(name) }}
{%- endfor %}

with statuses as (

    select * from {{ ref('int_statuses') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

export as (

    select * from {{ ref('int_export') }}

),

far_records as (

    select * from {{ ref('int_far_records') }}

),

whole_log as (
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

standing_log as (

    select * from {{ standing_log('whole_log') }} as standing

),

numbers as (

    select
        coalesce(max(export_number), 0) as highest_number,
        count(case when attribute = 'taken_out' then 1 end) > 0 as has_taken_out
    from whole_log

),

exports as (

    select
        export_number,
        newest_record_at,
        export_hash,
        row_number() over (order by export_number desc) as recency
    from standing_log
    where dataset is null

),

-- An older export adds nothing, nor does one with an impossible date. The last export, built again, adds only what an
-- export that was taken out had shown before it.
new_export as (

    select
        numbers.has_taken_out,
        coalesce(export.export_hash = last_export.export_hash, false) as is_last_export,
        case
            when export.export_hash = last_export.export_hash then last_export.export_number
            else numbers.highest_number + 1
        end as export_number,
        as_of.newest_event_at as seen_at,
        as_of.newest_record_at,
        export.export_hash
    from as_of
    cross join export
    cross join numbers
    left join exports as last_export on last_export.recency = 1
    where
        as_of.newest_record_at >= coalesce(last_export.newest_record_at, as_of.newest_record_at)
        and not exists (select 1 from far_records)
        and {{ 'true' if takes_in_a_whole_export() and var('history', true) else 'false' }}

),

ranked as (

    select
        dataset,
        record_id,
        attribute,
        value,
        export_number,
        row_number() over (
            partition by dataset, record_id, attribute
            order by export_number desc
        ) as recency
    from standing_log
    where dataset is not null

),

-- Only values that differ from the last ones seen; a missing record is no change.
news as (

    select
        statuses.*,
        ranked.export_number as shown_before_in
    from statuses
    left join ranked
        on
            statuses.dataset = ranked.dataset
            and statuses.record_id = ranked.record_id
            and statuses.attribute = ranked.attribute
            and ranked.recency = 1
    where statuses.value is distinct from ranked.value

),

-- The export has a row of its own without a dataset, also where nothing changed.
entries as (

    select
        cast(null as string) as dataset,
        cast(null as string) as record_id,
        cast(null as string) as campaign_id,
        cast(null as string) as attribute,
        cast(null as string) as value,
        cast(null as integer) as shown_before_in

    union all

    select
        dataset,
        record_id,
        campaign_id,
        attribute,
        value,
        shown_before_in
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
    where
        not new_export.is_last_export
        or (
            entries.dataset is not null
            and (
                entries.shown_before_in is null
                or (new_export.has_taken_out and entries.shown_before_in < new_export.export_number)
            )
        )

)

select * from final
