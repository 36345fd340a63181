with decisions as (

    select * from {{ ref('int_decisions') }}

),

campaigns as (

    select * from {{ ref('int_campaigns') }}

),

risk_signals as (

    select * from {{ ref('int_risk_signals') }}

),

actions as (

    select * from {{ ref('budget_action_audit') }}

),

subjects as (

    select * from {{ ref('int_decision_subjects') }}

),

-- A decision answers the signals that it is the first to review.
answered_signals as (

    select
        reviewed_by_decision_id as decision_id,
        {{ string_list('risk_id', 'raised_at, risk_id', ', ') }} as answered_risk_ids,
        count(*) as answered_risks,
        min(raised_at) as first_raised_at
    from risk_signals
    where reviewed_by_decision_id is not null
    group by reviewed_by_decision_id

),

named_actions as (

    select
        decision_id,
        record_id as budget_action_id
    from subjects
    where record_kind = 'budget_action'

),

-- An action follows the decision that names it. An action that no decision names follows any recent decision of its
-- campaign that names no action.
links as (

    select
        named_actions.decision_id,
        actions.budget_action_id,
        actions.proposed_at,
        'named' as following_link
    from named_actions
    inner join decisions using (decision_id)
    inner join actions using (budget_action_id)
    where decisions.decided_at <= actions.proposed_at

    union all

    select
        decisions.decision_id,
        actions.budget_action_id,
        actions.proposed_at,
        'inferred' as following_link
    from decisions
    inner join actions
        on
            decisions.campaign_id = actions.campaign_id
            and decisions.decided_at <= actions.proposed_at
            and actions.proposed_at
            <= {{ add_minutes('decisions.decided_at', 60 * var('decision_followup_hours')) }}
    where
        decisions.decision_id not in (select named_actions.decision_id from named_actions)
        and actions.budget_action_id not in (select named_actions.budget_action_id from named_actions)

),

following_actions as (

    select
        decision_id,
        following_link,
        {{ string_list('budget_action_id', 'proposed_at, budget_action_id', ', ') }} as following_action_ids,
        count(*) as following_actions,
        min(proposed_at) as first_proposed_at
    from links
    group by decision_id, following_link

),

final as (

    select
        decisions.decision_id,
        decisions.campaign_id,
        campaigns.campaign_name,
        decisions.decided_at,
        cast(date_trunc('week', decisions.decided_at) as date) as week_start,
        case when decisions.is_human_override then 'human' else 'orchestrator' end as decided_by,
        decisions.is_human_override,
        decisions.decision_trigger,
        decisions.action_taken,
        decisions.confidence_score,
        answered_signals.answered_risk_ids,
        cast(coalesce(answered_signals.answered_risks, 0) as integer) as answered_risks,
        {{ minutes_between('answered_signals.first_raised_at', 'decisions.decided_at') }} as response_minutes,
        following_actions.following_action_ids,
        following_actions.following_link,
        cast(coalesce(following_actions.following_actions, 0) as integer) as following_actions,
        {{ minutes_between('decisions.decided_at', 'following_actions.first_proposed_at') }} as minutes_to_first_action
    from decisions
    inner join campaigns using (campaign_id)
    left join answered_signals
        on decisions.decision_id = answered_signals.decision_id
    left join following_actions
        on decisions.decision_id = following_actions.decision_id

)

select * from final
