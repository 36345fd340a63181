with hints as (

    select * from {{ ref('stg_attribution_hints') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

performance as (

    select * from {{ ref('int_performance') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

channels as (

    select * from {{ ref('dim_channels') }}

),

known_hints as (

    select
        hints.*,
        -- Null-safe: a partition treats nulls as equal.
        nullif(
            min(hints.hint_id) over (
                partition by
                    hints.campaign_id,
                    hints.channel_id,
                    hints.method,
                    hints.attributed_conversions,
                    hints.confidence,
                    hints.hinted_at
            ),
            hints.hint_id
        ) as possible_duplicate_of
    from hints
    cross join as_of
    where hints.hinted_at <= as_of.as_of

),

credited as (

    select
        campaign_id,
        channel_id,
        method,
        count(*) as hint_count,
        sum(attributed_conversions) as credited_conversions,
        -- Sums of decimals do not depend on the order.
        sum(attributed_conversions * cast({{ number_text('confidence') }} as decimal(9, 6))) as weighted_conversions,
        max(hinted_at) as newest_hint_at,
        count(possible_duplicate_of) as possible_duplicate_hints,
        {{ string_list("hint_id || ' of ' || possible_duplicate_of", 'hint_id', ', ') }} as possible_duplicates
    from known_hints
    group by campaign_id, channel_id, method

),

measured as (

    select
        campaign_id,
        channel_id,
        sum(conversions) as measured_conversions
    from performance
    group by campaign_id, channel_id

),

final as (

    select
        credited.campaign_id,
        credited.channel_id,
        credited.method,
        campaigns.campaign_name,
        channels.channel_label,
        cast(credited.hint_count as bigint) as hint_count,
        cast(credited.credited_conversions as bigint) as credited_conversions,
        cast(credited.weighted_conversions as double) as weighted_conversions,
        {{ rate(
            'credited.credited_conversions',
            'sum(credited.credited_conversions) over (partition by credited.campaign_id, credited.method)'
        ) }} as share_of_method,
        credited.newest_hint_at,
        cast(measured.measured_conversions as bigint) as measured_conversions,
        cast(credited.possible_duplicate_hints as bigint) as possible_duplicate_hints,
        credited.possible_duplicates
    from credited
    inner join campaigns using (campaign_id)
    inner join channels using (channel_id)
    left join measured
        on
            credited.campaign_id = measured.campaign_id
            and credited.channel_id = measured.channel_id

)

select * from final
