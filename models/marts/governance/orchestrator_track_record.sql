{%- set labels = {
    'reported_figure': 'Reported figures match what was measured',
    'risk_evidence': 'Figures quoted by risk signals match the facts',
    'recommendation': 'Recommendations for segments fit the next window',
    'risk_signal': 'Risk signals were acted on, not dismissed',
    'experiment_call': 'Experiments were not called early',
} -%}

with claims as (

    select * from {{ ref('int_orchestrator_claims') }}

),

weekly_counts as (

    select
        claim_kind,
        cast(date_trunc('week', claimed_at) as date) as week_start,
        count(*) as claims,
        count(case when outcome <> 'not_checkable' then 1 end) as checked,
        count(case when outcome = 'borne_out' then 1 end) as borne_out,
        count(distinct case when outcome <> 'not_checkable' then record_id end) as checked_records
    from claims
    group by claim_kind, cast(date_trunc('week', claimed_at) as date)

),

counts as (

    select
        *,
        cast(sum(checked) over so_far as bigint) as checked_to_date,
        cast(sum(borne_out) over so_far as bigint) as borne_out_to_date,
        cast(sum(checked_records) over so_far as bigint) as checked_records_to_date
    from weekly_counts
    window so_far as (partition by claim_kind order by week_start)

),

shares as (

    select
        *,
        {{ rate('borne_out', 'checked') }} as borne_out_share,
        {{ rate('borne_out_to_date', 'checked_to_date') }} as borne_out_share_to_date,
        -- Figures of one record are often right or wrong together, so records are counted.
        {{ rate('borne_out', 'checked') }} * checked_records as borne_out_records,
        {{ rate('borne_out_to_date', 'checked_to_date') }} * checked_records_to_date as borne_out_records_to_date
    from counts

),

final as (

    select
        claim_kind,
        case claim_kind
            {%- for kind, label in labels.items() %}
            when '{{ kind }}' then '{{ label }}'
            {%- endfor %}
        end as claim_label,
        week_start,
        claims,
        checked,
        borne_out,
        checked - borne_out as not_borne_out,
        checked_records,
        borne_out_share,
        {{ wilson_bound('borne_out_records', 'checked_records', 'low') }} as ci_low,
        {{ wilson_bound('borne_out_records', 'checked_records', 'high') }} as ci_high,
        case when checked_records >= {{ var('track_record_minimum') }} then 'judged' else 'not_enough' end as status,
        checked_to_date,
        borne_out_to_date,
        checked_records_to_date,
        borne_out_share_to_date,
        {{ wilson_bound('borne_out_records_to_date', 'checked_records_to_date', 'low') }} as ci_low_to_date,
        {{ wilson_bound('borne_out_records_to_date', 'checked_records_to_date', 'high') }} as ci_high_to_date,
        case
            when checked_records_to_date >= {{ var('track_record_minimum') }} then 'judged'
            else 'not_enough'
        end as status_to_date
    from shares

)

select * from final
