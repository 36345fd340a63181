with violations as (
    {%- for rule in range(1, 6) %}

    select * from {{ ref('contract_rule_' ~ rule ~ '_violations') }}
    {%- if not loop.last %}

    union all
    {%- endif %}
    {%- endfor %}

),

rules as (

    select * from {{ ref('contract_rules') }}

),

waivers as (

    select * from {{ ref('contract_waivers') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

final as (

    select
        violations.rule,
        rules.rule_name,
        rules.kind,
        rules.dataset,
        violations.record_key,
        violations.campaign_id,
        violations.what_is_wrong,
        coalesce(waivers.waived_until >= as_of.as_of_date, false) as is_waived,
        waivers.approved_by as waiver_approved_by,
        waivers.waived_until,
        waivers.reason as waiver_reason
    from violations
    cross join as_of
    left join rules
        on violations.rule = rules.rule
    left join waivers
        on
            violations.rule = waivers.rule
            and violations.record_key = waivers.record_key

)

select * from final
