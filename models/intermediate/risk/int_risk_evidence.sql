with risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

facts as (

    select * from {{ ref('int_risk_signal_facts') }}

),

evidence_measures as (

    select * from {{ ref('evidence_measures') }}

),

quoted_figures as (

    select
        risk_signals.risk_id,
        evidence_measures.evidence_key,
        evidence_measures.tolerance,
        {{ json_number('risk_signals.evidence', 'evidence_measures.evidence_key') }} as quoted_value,
        case evidence_measures.measure
            {%- for measure in risk_signal_measures() %}
            when '{{ measure }}' then cast(facts.{{ measure }} as double)
            {%- endfor %}
        end as known_value
    from risk_signals
    inner join facts using (risk_id)
    cross join evidence_measures

),

-- A figure can be checked where both sides have a number.
checked_figures as (

    select
        risk_id,
        evidence_key,
        quoted_value,
        known_value,
        abs(quoted_value - known_value) > tolerance * 1.000001 as differs
    from quoted_figures
    where
        quoted_value is not null
        and known_value is not null

),

final as (

    select
        risk_id,
        max(case when differs then 1 else 0 end) = 1 as has_mismatch,
        {{ string_list(
            "case when differs then evidence_key || ': quoted ' || " ~ number_text('quoted_value') ~ " || ', known ' || " ~ number_text('known_value') ~ " end",
            'evidence_key',
            '; '
        ) }} as mismatches
    from checked_figures
    group by risk_id

)

select * from final
