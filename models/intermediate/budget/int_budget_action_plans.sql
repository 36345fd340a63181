with actions as (

    select * from {{ ref('int_budget_action_channels') }}

),

findings as (

    select
        *,
        case
            when is_self_transfer then cast(null as string)
            when from_spent_before_move is null
                then
                    'takes ' || currency || ' ' || {{ money_text('amount') }}
                    || ' out of a channel without performance in the campaign'
            when amount > from_spend_to_come
                then
                    'takes ' || currency || ' ' || {{ money_text('amount') }} || ' out of a channel that has spent '
                    || {{ money_text(as_money('from_spent_before_move')) }} || ' and would spend '
                    || {{ money_text('from_spend_to_come') }} || ' more by the end of the campaign'
        end as giving_finding,
        case
            when is_self_transfer then cast(null as string)
            when to_impressions_before_move is null then 'goes to a channel without performance in the campaign'
            when
                to_conversions_before_move = 0
                and to_impressions_before_move >= {{ var('rollup_minimum_impressions') }}
                then
                    'goes to a channel without a conversion in '
                    || replace({{ money_text('to_impressions_before_move') }}, '.00', '') || ' impressions'
        end as receiving_finding
    from actions

),

final as (

    select
        budget_action_id,
        effective_date,
        days_left,
        case
            when money_moved and not is_self_transfer and is_in_reporting_currency
                then {{ rate('amount', 'days_left') }}
        end as planned_daily_change,
        capacity_date,
        from_spent_before_move,
        from_spend_to_come,
        case when not is_self_transfer then amount <= from_spend_to_come end as from_can_give,
        to_impressions_before_move,
        to_conversions_before_move,
        nullif({{ joined_reasons(['giving_finding', 'receiving_finding']) }}, '') as capacity_findings
    from findings

)

select * from final
