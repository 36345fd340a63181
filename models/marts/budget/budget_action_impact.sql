{{ config(materialized = 'view') }}

with windows as (

    select * from {{ ref('int_budget_move_windows') }}

),

final as (

    select
        budget_action_id,
        direction,
        campaign_id,
        channel_id,
        campaign_name,
        channel_label,
        amount,
        currency,
        effective_date,
        before_start,
        after_end,
        impressions_before,
        impressions_after,
        conversions_before,
        conversions_after,
        spend_before,
        spend_after,
        click_through_rate_before,
        click_through_rate_after,
        click_through_rate_delta,
        conversion_rate_before,
        conversion_rate_after,
        conversion_rate_delta,
        cost_per_conversion_before,
        cost_per_conversion_after,
        cost_per_conversion_delta,
        is_after_complete,
        is_overlapped,
        is_causal
    from windows

)

select * from final
