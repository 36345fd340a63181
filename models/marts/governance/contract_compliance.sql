with rules as (

    select * from {{ ref('contract_rules') }}

),

violations as (

    select * from {{ ref('contract_violations') }}

),

-- The records that each rule applies to.
checked as (

    select
        1 as rule,
        count(*) as checked_rows,
        cast(null as bigint) as inferred_rows
    from {{ ref('stg_campaigns') }}

    union all

    select
        2 as rule,
        count(*) as checked_rows,
        cast(null as bigint) as inferred_rows
    from {{ ref('stg_experiments') }}

    union all

    select
        3 as rule,
        count(*) as checked_rows,
        cast(null as bigint) as inferred_rows
    from {{ ref('stg_performance_metrics') }}

    union all

    select
        4 as rule,
        count(*) as checked_rows,
        cast(null as bigint) as inferred_rows
    from {{ ref('int_budget_actions') }}
    where requires_approval

    union all

    select
        5 as rule,
        count(*) as checked_rows,
        count(case when review_link = 'inferred' then 1 end) as inferred_rows
    from {{ ref('int_risk_signals') }}
    where
        is_unresolved
        and requires_human_review

),

violations_by_rule as (

    select
        rule,
        count(*) as violating_rows,
        sum(case when is_waived then 1 else 0 end) as waived_rows
    from violations
    group by rule

),

final as (

    select
        checked.rule,
        rules.rule_name,
        rules.statement,
        rules.kind,
        rules.dataset,
        cast(checked.checked_rows as bigint) as checked_rows,
        cast(coalesce(violations_by_rule.violating_rows, 0) as bigint) as violating_rows,
        cast(coalesce(violations_by_rule.waived_rows, 0) as bigint) as waived_rows,
        cast(checked.inferred_rows as bigint) as inferred_rows,
        case
            when coalesce(violations_by_rule.violating_rows > violations_by_rule.waived_rows, false) then 'fail'
            else 'pass'
        end as status
    from checked
    left join rules
        on checked.rule = rules.rule
    left join violations_by_rule
        on checked.rule = violations_by_rule.rule

)

select * from final
