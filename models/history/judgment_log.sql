-- One insert, so that an export's judgments are kept whole or not at all.

with exports as (

    select
        export_number,
        export_hash,
        row_number() over (order by export_number desc) as recency
    from {{ standing_log(ref('status_log')) }} as standing
    where dataset is null

),

built_export as (

    select * from {{ ref('int_export') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- Judgments that are already kept stay. An export that status_log did not accept has no number, and a build with
-- another as-of than the export's own does not count.
new_export as (

    select exports.export_number
    from exports
    inner join built_export
        on exports.export_hash = built_export.export_hash
    cross join as_of
    where
        exports.recency = 1
        and as_of.as_of = as_of.newest_event_at
        and {{ 'true' if takes_in_a_whole_export() and var('history', true) else 'false' }}
        {%- if is_incremental() %}
        and exports.export_number not in (select judged.export_number from {{ this }} as judged)
        {%- endif %}

),

judgments as (

    select
        'metric' as kind,
        metric as record_id,
        cast(null as string) as action_type,
        cast(null as string) as campaign_id,
        metric_label as label,
        metric_order as item_order,
        unit,
        actual,
        target,
        verdict,
        reasons
    from {{ ref('executive_scorecard') }}

    union all

    select
        'action' as kind,
        record_id,
        action_type,
        campaign_id,
        what_to_do as label,
        action_rank as item_order,
        currency as unit,
        cast(amount_at_stake as double) as actual,
        cast(null as double) as target,
        action_state as verdict,
        reason as reasons
    from {{ ref('next_actions') }}

    union all

    select
        'experiment' as kind,
        experiment_id as record_id,
        cast(null as string) as action_type,
        campaign_id,
        experiment_label as label,
        cast(null as integer) as item_order,
        cast(null as string) as unit,
        relative_lift as actual,
        cast(null as double) as target,
        verdict,
        cast(null as string) as reasons
    from {{ ref('experiment_results') }}

    union all

    select
        'risk' as kind,
        risk_id as record_id,
        cast(null as string) as action_type,
        campaign_id,
        {{ risk_text() }} as label,
        severity_rank as item_order,
        cast(null as string) as unit,
        cast(null as double) as actual,
        cast(null as double) as target,
        review_state as verdict,
        cast(null as string) as reasons
    from {{ ref('risk_escalation') }}

),

final as (

    select
        new_export.export_number,
        judgments.*
    from judgments
    cross join new_export

)

select * from final
