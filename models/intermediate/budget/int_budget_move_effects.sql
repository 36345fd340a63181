with windows as (

    select * from {{ ref('int_budget_move_windows') }}

),

channels as (

    select * from {{ ref('int_budget_move_channels') }}

),

-- A channel that a move touches within the windows can't show what would have happened without a move.
touched_channels as (

    select
        moves.budget_action_id,
        others.channel_id
    from windows as moves
    inner join windows as others
        on
            moves.campaign_id = others.campaign_id
            and others.effective_date between moves.before_start and moves.after_end
    where moves.direction = 'from'
    group by moves.budget_action_id, others.channel_id

),

-- Each channel is compared with itself, so a change of their mix does not matter. Weights use counts only, which are
-- more certain than variances.
weighted_channels as (

    select
        channels.budget_action_id,
        channels.log_rate_ratio,
        channels.log_rate_variance,
        channels.rate_freedom,
        {{ rate('channels.rate_weight', 'sum(channels.rate_weight) over (partition by channels.budget_action_id)') }}
            as weight_share
    from channels
    left join touched_channels
        on
            channels.budget_action_id = touched_channels.budget_action_id
            and channels.channel_id = touched_channels.channel_id
    where touched_channels.channel_id is null

),

-- Sums of decimals do not depend on the order; shares of the total keep their digits, however small the total is.
parted_channels as (

    select
        *,
        weight_share * log_rate_ratio as weighted_ratio,
        weight_share * weight_share * log_rate_variance as weighted_variance,
        cast(sum(cast(weight_share * weight_share * log_rate_variance as decimal(38, 24))) over (
            partition by budget_action_id
        ) as double) as variance
    from weighted_channels

),

comparisons as (

    select
        budget_action_id,
        count(log_rate_ratio) as channel_count,
        cast(sum(cast(weighted_ratio as decimal(38, 18))) as double) as log_rate_ratio,
        max(variance) as variance,
        max(variance) * max(variance) * cast(sum(cast(
            {{ rate('weighted_variance', 'variance') }} * {{ rate('weighted_variance', 'variance') }} / rate_freedom
            as decimal(38, 18)
        )) as double) as variance_per_freedom
    from parted_channels
    group by budget_action_id

),

differences as (

    select
        windows.budget_action_id,
        windows.direction,
        comparisons.budget_action_id is not null as has_comparison,
        cast(coalesce(comparisons.channel_count, 0) as integer) as comparison_channels,
        channels.log_rate_ratio - comparisons.log_rate_ratio as log_effect,
        channels.log_rate_variance + comparisons.variance as variance,
        channels.log_rate_variance * channels.log_rate_variance / channels.rate_freedom
        + comparisons.variance_per_freedom as variance_per_freedom
    from windows
    left join channels
        on
            windows.budget_action_id = channels.budget_action_id
            and windows.channel_id = channels.channel_id
    left join comparisons
        on windows.budget_action_id = comparisons.budget_action_id

),

-- Welch's degrees of freedom, and the margin of a log ratio as in judged_trends.
margins as (

    select
        *,
        2 * asinh(
            {{ student_t_quantile('floor(variance * variance / nullif(variance_per_freedom, 0) + 1e-9)') }}
            / 2 * sqrt(variance)
        ) as log_margin
    from differences

),

final as (

    select
        budget_action_id,
        direction,
        has_comparison,
        comparison_channels,
        exp(log_effect) - 1 as effect,
        exp(log_effect - log_margin) - 1 as effect_low,
        exp(log_effect + log_margin) - 1 as effect_high
    from margins

)

select * from final
