"""Read the contents of the review from the published marts."""

import json
from dataclasses import dataclass
from typing import Any

import duckdb

# The page has a limited number of rows per campaign and table, the most important first, and shows
# how many there are.
MOST_ROWS = 25
MOST_JOURNEYS = 12
MOST_EVENTS = 10
MOST_MOVES_DRAWN = 30
MOST_EXPORTS_DRAWN = 100
MANY_ROWS = 25  # a longer table scrolls in place

Row = dict[str, Any]


@dataclass
class Listing:
    """Rows that a part of the page shows, and the number of rows in its mart."""

    mart: str
    rows: list[Row]
    total: int
    most: int = MOST_ROWS

    @property
    def is_cut(self) -> bool:
        """Return whether there are more rows than are shown."""
        return self.total > len(self.rows)

    @property
    def is_long(self) -> bool:
        """Return whether there are so many rows that they scroll in place."""
        return len(self.rows) > MANY_ROWS

    def by_campaign(self) -> dict[str | None, list[Row]]:
        """Return the rows of each campaign, in their order."""
        groups: dict[str | None, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(row["campaign_id"], []).append(row)
        return groups


class Published:
    """The published marts, at one version, read only."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def rows(self, query: str) -> list[Row]:
        """Return the rows of a query by the names of their columns."""
        relation = self.connection.sql(query)
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]

    def listing(
        self, mart: str, order: str, source: str = "", where: str = "true", most: int = MOST_ROWS
    ) -> Listing:
        """Return the first rows of each campaign.

        Args:
            mart: The mart of the rows.
            order: Order of the rows; it has to be total, so that the page is reproducible.
            source: SQL to select from, instead of the mart.
            where: Condition for the rows.
            most: Number of rows shown per campaign.

        """
        rows = self.rows(
            f"""
            with chosen as (
                select * from {source or f"marts.{mart}"}
                where {where}
            )

            select
                *,
                count(*) over () as rows_in_all
            from chosen
            qualify row_number() over (partition by campaign_id order by {order}) <= {most}
            order by {order}
            """
        )
        total = rows[0]["rows_in_all"] if rows else 0
        return Listing(mart, rows, total, most)


def contents(marts: Published) -> dict[str, Any]:
    """Return the contents of the page, by their names in the template."""
    (build,) = marts.rows(
        """
        select
            as_of,
            newest_event_at,
            covers_all_events,
            input_rows,
            inputs,
            exports_seen,
            policy
        from marts.warehouse_build
        """
    )
    # Rows that do not fit on the first sheet get their own section.
    metrics = marts.rows(
        """
        from marts.executive_scorecard
        where metric not in ('vigilance', 'accuracy', 'calibration')
        order by metric_order
        """
    )
    experiments = marts.listing(
        "experiment_results",
        """
        case health when 'unhealthy' then 0 when 'ready' then 1 else 2 end,
        case verdict when 'continue' then 1 else 0 end,
        decision_p_value nulls last,
        experiment_id
        """,
    )
    policy = json.loads(build["policy"])
    found = {
        "build": build,
        "as_of": build["as_of"],
        "datasets": len(json.loads(build["inputs"])),
        "policy": policy,
        "campaigns": marts.rows("from marts.dim_campaigns order by campaign_name, campaign_id"),
        "health": next((one for one in metrics if one["metric"] == "health"), None),
        "metrics": [one for one in metrics if one["metric"] != "health"],
        "scorecards": marts.rows(
            f"""
            select
                metric,
                actual
            from marts.scorecard_history
            qualify dense_rank() over (order by export_number desc) <= {MOST_EXPORTS_DRAWN}
            order by metric, export_number
            """
        ),
        "changes": marts.listing("what_changed", "change_rank"),
        "next_actions": marts.listing("next_actions", "action_rank", where="action_state = 'open'"),
        "decided_actions": marts.listing(
            "next_actions",
            "answered_at desc, action_type, record_id",
            source="""
            (
                select
                    actions.*,
                    decisions.decided_by,
                    decisions.action_taken
                from marts.next_actions as actions
                left join marts.decision_audit as decisions
                    on actions.answered_by_decision_id = decisions.decision_id
            )
            """,
            where="action_state = 'decided'",
        ),
        "journeys": journeys(marts),
        "segments": marts.listing(
            "segment_rollups",
            """
            campaign_name,
            campaign_id,
            list_position(['stop', 'scale', 'revise'], recommendation) nulls last,
            spend desc,
            segment_id
            """,
            source="""
            (
                select
                    rollups.*,
                    campaigns.primary_kpi_label
                from marts.segment_rollups as rollups
                left join marts.dim_campaigns as campaigns using (campaign_id)
            )
            """,
            where="is_judged",
        ),
        "reconciled": marts.rows(
            """
            select
                status,
                count(*) as figures
            from marts.segment_rollup_reconciliation
            group by status
            order by status
            """
        ),
        "differences": marts.listing(
            "segment_rollup_reconciliation",
            "window_end desc, abs(relative_difference) desc nulls first, rollup_id, measure",
            where="status = 'mismatch'",
        ),
        "moves": marts.rows(
            f"""
            with pairs as (
                select
                    campaign_id,
                    campaign_name,
                    currency,
                    from_channel_id,
                    coalesce(from_channel_label, from_channel_id) as from_channel_label,
                    to_channel_id,
                    coalesce(to_channel_label, to_channel_id) as to_channel_label,
                    sum(amount) as amount
                from marts.budget_action_audit
                where money_moved
                group by all
            )

            select
                *,
                count(*) over (partition by campaign_id, currency) as pairs_in_all
            from pairs
            qualify row_number() over (
                partition by campaign_id, currency
                order by amount desc, from_channel_id, to_channel_id
            ) <= {MOST_MOVES_DRAWN}
            order by campaign_id, currency, from_channel_id, to_channel_id
            """
        ),
        "approvals": marts.rows(
            """
            select
                count(approval_latency_minutes) as approvals,
                avg(approval_latency_minutes) as average_minutes,
                max(approval_latency_minutes) as longest_minutes
            from marts.budget_action_audit
            """
        )[0],
        "budget_actions": marts.listing(
            "budget_action_audit",
            """
            case compliance_status when 'violation' then 0 when 'pending' then 1 else 2 end,
            proposed_at desc,
            budget_action_id
            """,
            source="""
            (
                select
                    actions.*,
                    uptake.capacity_findings
                from marts.budget_action_audit as actions
                left join marts.money_uptake as uptake using (budget_action_id)
            )
            """,
        ),
        "uptake": marts.listing(
            "money_uptake", "effective_date desc nulls last, budget_action_id", where="money_moved"
        ),
        "next_budget": marts.listing(
            "next_budget", "return_rank nulls last, spend desc nulls last, campaign_id, channel_id"
        ),
        "vigilance": marts.rows("from marts.risk_vigilance where risk_type = 'all'"),
        "missed_risks": marts.listing(
            "missed_risks", "not is_current, severity_rank desc, cost_since desc, finding_id"
        ),
        "claims": marts.rows(
            """
            from marts.orchestrator_track_record
            qualify row_number() over (partition by claim_kind order by week_start desc) = 1
            order by claim_kind = 'recommendation', claim_kind desc
            """
        ),
        "calibration": marts.rows(
            "from marts.confidence_calibration order by bucket_low desc nulls first"
        ),
        "risks": marts.listing(
            "risk_inbox",
            "priority_rank",
            source="""
            (
                select
                    inbox.*,
                    escalation.response_minutes,
                    escalation.reviewed_by_decision_id,
                    escalation.reviewed_at,
                    escalation.review_link,
                    decisions.decided_by
                from marts.risk_inbox as inbox
                left join marts.risk_escalation as escalation using (risk_id)
                left join marts.decision_audit as decisions
                    on escalation.reviewed_by_decision_id = decisions.decision_id
            )
            """,
        ),
        "experiments": experiments,
        "performance": marts.listing(
            "campaign_performance", "ledger_cost desc nulls last, campaign_id"
        ),
        "pacing": marts.listing("campaign_pacing", "metered_spend desc nulls last, campaign_id"),
        "weeks": marts.rows(
            f"""
            select
                campaign_id,
                campaign_name,
                week_start,
                cast(sum(spend) as double) as spend,
                cast(sum(conversions) as double) as conversions,
                cast(sum(spend) as double)
                / nullif(cast(sum(conversions) as double), 0) as cost_per_conversion,
                bool_and(is_week_complete)
                and max(days_covered) >= {policy["week_minimum_days"]} as is_whole
            from marts.fct_channel_weekly
            group by all
            order by campaign_id, week_start
            """
        ),
        "turns": marts.rows(
            """
            select
                campaign_id,
                'move' as kind,
                coalesce(approved_at, proposed_at) as turned_at
            from marts.budget_action_audit
            where money_moved
            union all
            select
                campaign_id,
                'decision' as kind,
                decided_at as turned_at
            from marts.decision_audit
            order by all
            """
        ),
        "events": marts.listing(
            "campaign_timeline",
            "campaign_name, campaign_id, event_order desc",
            where="event_type != 'performance_recorded'",
            most=MOST_EVENTS,
        ),
        "rules": marts.rows(
            """
            select
                *,
                case
                    when inferred_rows is not null then (
                        select count(*)
                        from marts.risk_escalation
                        where is_unresolved and requires_human_review and review_link is not null
                    )
                end as reviewed_rows
            from marts.contract_compliance
            order by rule
            """
        ),
        "violations": marts.listing("contract_violations", "is_waived, rule, record_key"),
        "findings": marts.listing(
            "status_history",
            "seen_at desc, dataset, record_id, attribute, change_number",
            where="finding is not null",
        ),
    }
    return found | {"labels": labels(found)}


def labels(found: dict[str, Any]) -> dict[str, str]:
    """Return the name of each campaign, by id.

    With an earlier as-of, marts may have rows of a campaign that isn't in dim_campaigns yet.
    """
    listings = [one.rows for one in found.values() if isinstance(one, Listing)]
    names: dict[str, str] = {}
    for rows in [found["campaigns"], found["moves"], found["weeks"], *listings]:
        for row in rows:
            if row["campaign_id"] is not None and names.get(row["campaign_id"]) is None:
                names[row["campaign_id"]] = row.get("campaign_name")
    return {
        campaign: name or f"Campaign ({campaign})"
        for campaign, name in sorted(names.items(), key=lambda one: (one[1] or "", one[0]))
    }


def journeys(marts: Published) -> Listing:
    """Return each campaign's journeys with their stages, stuck ones first."""
    listing = marts.listing(
        "journey_diagnosis",
        """
        campaign_name,
        campaign_id,
        blocked_steps desc,
        weak_steps desc,
        measured_stages is null,
        impressions desc nulls last,
        segment_id,
        channel_id
        """,
        source="""
        (
            with stuck as (
                select
                    campaign_id,
                    segment_id,
                    channel_id,
                    count(*) as measured_stages,
                    count(*) filter (where drop_off_status = 'blocked') as blocked_steps,
                    count(*) filter (where drop_off_status = 'weak') as weak_steps
                from marts.funnel_conversion
                group by campaign_id, segment_id, channel_id
            )

            select
                diagnosis.*,
                stuck.measured_stages,
                coalesce(stuck.blocked_steps, 0) as blocked_steps,
                coalesce(stuck.weak_steps, 0) as weak_steps,
                sum(stuck.blocked_steps) over (partition by campaign_id) as blocked_in_all,
                sum(stuck.weak_steps) over (partition by campaign_id) as weak_in_all
            from marts.journey_diagnosis as diagnosis
            left join stuck using (campaign_id, segment_id, channel_id)
        )
        """,
        most=MOST_JOURNEYS,
    )
    stages: dict[tuple, list[Row]] = {}
    for stage in marts.rows("from marts.funnel_conversion order by stage_order"):
        key = (stage["campaign_id"], stage["segment_id"], stage["channel_id"])
        stages.setdefault(key, []).append(stage)
    for row in listing.rows:
        key = (row["campaign_id"], row["segment_id"], row["channel_id"])
        row["stages"] = stages.get(key, [])
        row["most_counted"] = max((stage["stage_count"] or 0 for stage in row["stages"]), default=0)
    return listing
