"""Random exports that are valid, but as untidy as real ones.

`messy_export(seed)` breaks no structural rule. It is full of edge cases: ties, gaps, zeros, values
exactly on a threshold, several currencies, offsets, absent fields. Some of its figures (evidence,
rollups) are quoted from the oracle, at times slightly wrong.
"""

import random
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from helpers import oracle

Row = oracle.Row
Export = oracle.Export

FIRST_DAY = date(2026, 3, 1)
DAYS = 24
LAST_MOMENT = datetime(2026, 3, 24, 20, 0)
OFFSETS = (None, None, None, "Z", 120, -330)
NAMES = ("Ünïcode ☕", "Кампания", "春の販促", 'Quoted "name", and comma', "Line\nbreak", "O'Brien")
STAGES = ("impression", "click", "visit", "signup", "demo_request", "purchase", "feature_adopt")
SOURCES = ("ads_platform", "crm", "web_analytics", "product_analytics")
RISK_TYPES = ("brand_safety", "low_conversion", "spend_spike", "data_quality", "segment_mismatch")
REASONS = ("roi_optimization", "risk_mitigation", "scale_winner", "stop_loss")
METHODS = ("first_touch", "last_touch", "assist", "self_reported")
KPIS = ("conversion_rate", "demo_request_rate", "click_through_rate", "without_a_definition")
NO_FIGURES = ("text", "12", "1e3", "NaN", "", "ü", None, True, [12], {"clicks": 12})
NAMED = ("Review of {}", "({}).", "“{}”, then", "{0}: {0}", "Look:\n{}")
"""Texts that name a record."""
NOT_NAMED = ("x{}", "{}_2", "{}-b", "ü{}", "{}\u0301", "{}\u0663", "Nobody knows")
"""Texts that don't: the id goes on as a longer word, by a mark or an Arabic digit too."""
CONFIDENCES = (0.3, 0.7, 0.8499, 0.85, 0.8501, 0.9, 0.99, 1, 1.0)


class Generator:
    """One random export in the making."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.export: Export = {}

    # ---- Values

    def chance(self, share: float) -> bool:
        """Return true with this chance."""
        return self.random.random() < share

    def day(self) -> date:
        """Return a random day of the export's weeks."""
        return FIRST_DAY + timedelta(days=self.random.randrange(DAYS))

    def moment(self) -> datetime:
        """Return a moment; there are few in a day, so that ties are common."""
        clock = self.random.choice(
            (
                timedelta(),
                timedelta(hours=9),
                timedelta(hours=9, minutes=30),
                timedelta(hours=18, seconds=1),
                timedelta(hours=23, minutes=59, seconds=59, microseconds=999999),
            )
        )
        return min(datetime.combine(self.day(), datetime.min.time()) + clock, LAST_MOMENT)

    def written(self, at: datetime) -> str:
        """Return a moment as an export may write it."""
        offset = self.random.choice(OFFSETS)
        if offset is None:
            return at.isoformat()
        if offset == "Z":
            return at.isoformat() + "Z"
        zone = timezone(timedelta(minutes=offset))
        return at.replace(tzinfo=UTC).astimezone(zone).isoformat()

    def name(self, number: int) -> str:
        """Return a difficult, but valid name."""
        return f"{self.random.choice(NAMES)} {number}"

    def identifier(self, prefix: str, number: int) -> str:
        """Return an id in one of several formats, so that text order differs from numeric order."""
        return self.random.choice(
            (f"{prefix}_{number}", f"{prefix}_{number}", f"ü|{prefix} '{number}")
        )

    def maybe(self, row: Row, field: str, value: object) -> None:
        """Set an optional and nullable field to a value or null, or leave it out."""
        way = self.random.randrange(4)
        if way:
            row[field] = None if way == 1 else value

    # ---- Entities

    def entities(self) -> None:
        """Add campaigns, segments, channels, assets, experiments and the ledger."""
        pick = self.random.choice
        self.export["campaigns"] = [
            {
                "campaign_id": f"CAMP_{number:03}",
                "created_at": self.written(datetime(2026, 2, 20, 9, number)),
                "name": self.name(number),
                "objective": "",
                "primary_kpi": pick(KPIS) if number < 4 else "conversion_rate",
                "start_date": "2026-03-01",
                "end_date": pick(("2026-03-01", "2026-03-31")),
                "budget": pick((0, 10000, 12345.67)),
                "status": pick(("active", "paused")),
                "hypothesis": self.name(number),
            }
            for number in range(5)
        ]
        self.export["audience_segments"] = [
            {
                "segment_id": f"SEG_{number:03}",
                "name": self.name(number),
                "description": "",
                "size_estimate": number * 1000,
                "priority": pick(("high", "medium", "low")),
            }
            for number in range(4)
        ]
        self.export["channels"] = [
            {
                "channel_id": f"CH_{number:02}",
                "type": pick(("email", "paid_search", "social", "in_app")),
                "platform": self.name(number),
                "cost_model": pick(("per_send", "per_click", "per_impression", "flat")),
                "avg_cost": pick((0, 0.015, 120)),
            }
            for number in range(4)
        ]
        self.export["creative_assets"] = [
            {
                "asset_id": f"ASSET_{number:03}",
                "created_at": self.written(datetime(2026, 2, 21, 9, number)),
                "campaign_id": f"CAMP_{number // 4:03}",
                "segment_id": f"SEG_{number // 2 % 2 if number > 15 else pick(range(4)):03}",
                "channel_id": f"CH_{self.random.randrange(4):02}",
                "variant": "AB"[number % 2],
                "message_theme": self.name(number),
                "cta": "",
                "approved_by_human": self.chance(0.5),
                "risk_flags": pick(([], ["a"], ["a", "a", "ü"])),
            }
            for number in range(20)
        ]
        self.export["experiments"] = []
        for number in range(12):
            campaign = number % 5
            start, ends = self.day(), self.chance(0.6)
            end = start + timedelta(days=self.random.choice((0, 3, 30))) if ends else None
            first, second = self.random.sample(range(campaign * 4, campaign * 4 + 4), 2)
            self.export["experiments"].append(
                {
                    "experiment_id": f"EXP_{number:03}",
                    "campaign_id": f"CAMP_{campaign:03}",
                    "start_date": start.isoformat(),
                    "end_date": end.isoformat() if end else None,
                    "type": "A/B",
                    "metric": pick(KPIS),
                    "control_asset": f"ASSET_{first:03}",
                    "variant_asset": f"ASSET_{second:03}",
                    "status": "completed" if ends else "running",
                }
            )
        self.export["roi_ledger"] = [
            {
                "campaign_id": row["campaign_id"],
                "llm_cost": 10.1,
                "human_review_cost": 0,
                "media_spend": 100.2,
                "estimated_value": 100.0,
                "net_roi": -10.3,
            }
            for row in self.export["campaigns"]
        ]

    # ---- Events

    def performance(self) -> None:
        """Add snapshots in and outside experiments, and one tidy series of round numbers."""
        rows: dict[tuple, Row] = {}
        tested = [row for row in self.export["experiments"] if row["campaign_id"] != "CAMP_004"]
        for _ in range(160):
            at = self.moment()
            experiment = self.random.choice(tested)
            # An export of before its start would not have called one with data planned.
            if self.chance(0.9) and at.date().isoformat() >= experiment["start_date"]:
                asset = experiment[self.random.choice(("control_asset", "variant_asset"))]
                rows[asset, experiment["experiment_id"], at] = self.snapshot(asset, at)
            else:
                asset = f"ASSET_{self.random.randrange(16):03}"
                rows[asset, None, at] = self.snapshot(asset, at)
        # The last campaign's KPI changes by exactly 10, 0 and -20 per cent.
        for number, series in ((16, (10, 11, 11, 11)), (18, (10, 10, 8, 8))):
            for week, conversions in enumerate(series):
                at = datetime(2026, 3, 2 + 7 * week, 12)
                row = self.snapshot(f"ASSET_{number:03}", at)
                row |= {"impressions": 1000, "clicks": conversions, "conversions": conversions}
                row["conversion_rate"] = conversions / 1000
                rows[row["asset_id"], None, at] = row
        for (_, experiment_id, _), row in rows.items():
            if experiment_id is None:
                self.maybe(row, "experiment_id", None)
            else:
                row["experiment_id"] = experiment_id
        self.export["performance_metrics"] = list(rows.values())

    def snapshot(self, asset: str, at: datetime) -> Row:
        """Return an asset's results; at times nothing, at times conversions without a click."""
        impressions = self.random.choice((0, 1, 40, 999, 1000, 5000))
        clicks = self.random.randint(0, impressions // 10)
        conversions = self.random.choice((0, 0, clicks // 3, impressions // 20))
        rate = Decimal(conversions) / (impressions or 1)
        return {
            "asset_id": asset,
            "timestamp": self.written(at),
            "impressions": impressions,
            "clicks": clicks,
            "conversions": conversions,
            "conversion_rate": float(rate.quantize(Decimal("0.001"), ROUND_HALF_UP)),
            "cost": self.random.choice((0, 0.005, 12.3456, 250, 499.99, 0.125)),
            "revenue_proxy": self.random.choice((0, 0.1, 1000, 77.777)),
        }

    def funnel(self) -> None:
        """Add counts along a path of each campaign, with stages and days missing here and there."""
        rows = []
        for campaign in self.export["campaigns"][:4]:
            path = [stage for stage in STAGES if self.chance(0.6)] or ["visit", "purchase"]
            places = {self.place(campaign["campaign_id"]) for _ in range(4)}
            for segment, channel in sorted(places):
                factor = self.random.choice((0.02, 0.4, 1))
                for stage in path:
                    if self.chance(0.15):
                        continue
                    for day in range(self.random.choice((1, 3, 6))):
                        if self.chance(0.85):
                            rows.append(
                                self.funnel_event(campaign, segment, channel, stage, day, factor)
                            )
        for number, row in enumerate(rows):
            row["event_id"] = f"FNL_{number:04}"
        self.export["funnel_events"] = rows

    def place(self, campaign_id: str) -> tuple[str, str]:
        """Return a segment and channel, often those of one of the campaign's assets."""
        assets = [a for a in self.export["creative_assets"] if a["campaign_id"] == campaign_id]
        if self.chance(0.7):
            asset = self.random.choice(assets)
            return asset["segment_id"], asset["channel_id"]
        return f"SEG_{self.random.randrange(4):03}", f"CH_{self.random.randrange(4):02}"

    def funnel_event(
        self, campaign: Row, segment: str, channel: str, stage: str, day: int, factor: float
    ) -> Row:
        """Return a day's count of a stage; mostly fewer than of the stage before."""
        on = FIRST_DAY + timedelta(days=2 + 3 * day)
        at = datetime.combine(on, datetime.min.time())
        count = int(1000 * factor ** STAGES.index(stage) * self.random.uniform(0.1, 1.5))
        row = {
            "timestamp": self.written(at + self.random.choice((timedelta(), timedelta(hours=22)))),
            "campaign_id": campaign["campaign_id"],
            "segment_id": segment,
            "channel_id": channel,
            "stage": stage,
            "count": self.random.choice((0, 100, count, count, count)),
            "source": self.random.choice(SOURCES),
            "confidence": self.random.choice(CONFIDENCES),
        }
        self.maybe(row, "date", on.isoformat())
        return row

    def decisions(self) -> None:
        """Add decisions, many of them by people and several at one time."""
        self.export["orchestrator_decisions"] = [
            {
                "decision_id": self.identifier("DEC", number),
                "campaign_id": f"CAMP_{self.random.randrange(5):03}",
                "trigger": self.name(number),
                "action_taken": "",
                "confidence_score": self.random.choice(CONFIDENCES),
                "human_override": self.chance(0.5),
                "timestamp": self.written(self.moment()),
            }
            for number in range(16)
        ]

    def name_records(self) -> None:
        """Let decisions name records, in their trigger or action."""
        risks = [row["risk_id"] for row in self.export["campaign_risk_signals"]]
        others = [
            row[f"{kind}_id"]
            for dataset, kind in (
                *(("campaigns", "campaign"), ("audience_segments", "segment")),
                *(("channels", "channel"), ("creative_assets", "asset")),
                *(("experiments", "experiment"), ("budget_actions", "budget_action")),
            )
            for row in self.export[dataset]
        ]
        for decision in self.export["orchestrator_decisions"]:
            for field in ("trigger", "action_taken"):
                if self.chance(0.4):
                    record_id = self.random.choice(self.random.choice((risks, others)))
                    text = self.random.choice(self.random.choice((NAMED, NAMED, NOT_NAMED)))
                    decision[field] = text.format(record_id)
            if self.chance(0.1):
                decision["trigger"] = f"Only {decision['campaign_id']}"

    def budget(self) -> None:
        """Add budget actions: most at random, and some that lie on the edge of a window."""
        rows = [self.budget_action(self.moment()) for _ in range(45)]
        for _ in range(6):
            for gap in (timedelta(hours=24), timedelta(hours=24, seconds=1), timedelta(0)):
                rows += self.pair(gap, self.random.choice((400, 500, 600)), turned=False)
            for gap in (timedelta(days=7), timedelta(days=7, seconds=1), timedelta(0)):
                rows += self.pair(gap, 50, turned=True)
        for number, row in enumerate(rows):
            row["budget_action_id"] = self.identifier("BUD", number)
        self.export["budget_actions"] = rows

    def budget_action(self, at: datetime) -> Row:
        """Return an action in any state, compliant or not."""
        approved, pick = self.chance(0.5), self.random.choice
        row = {
            "timestamp": self.written(at),
            "campaign_id": f"CAMP_{self.random.randrange(3):03}",
            "from_channel_id": f"CH_{self.random.randrange(3):02}",
            "to_channel_id": f"CH_{self.random.randrange(3):02}",
            "amount": pick((0.005, 333.335, 500, 600.0, 999.99, 999.995, 1000, 1500.5)),
            "reason_code": pick(REASONS),
            "reason_detail": "",
            "proposed_by": pick(("orchestrator", "human")),
            "approved_by_human": approved,
            "approver_id": pick(("HUMAN_01", "HUMAN_01", "HÜMAN_02", None, "", " ")),
            "approval_latency_minutes": pick((0, 5, 60, 600, 4000, None)),
            "status": pick(("proposed", "approved", "rejected", "executed", "rolled_back")),
        }
        if not approved and self.chance(0.8):
            row |= {"approver_id": None, "approval_latency_minutes": None}
        self.maybe(row, "currency", pick(("USD", "EUR", "EUR")))
        return row

    def pair(self, gap: timedelta, amount: float, turned: bool) -> list[Row]:
        """Return two actions of one campaign, `gap` apart, in one direction or in opposite ones."""
        at = min(self.moment(), LAST_MOMENT - gap)
        first = self.budget_action(at) | {"amount": amount, "currency": "USD"}
        second = first | {"timestamp": self.written(at + gap)}
        if turned:
            back = {"to_channel_id": "from_channel_id", "from_channel_id": "to_channel_id"}
            second |= {name: first[other] for name, other in back.items()}
            first["status"] = "executed"
        else:
            unjudged = {"approved_by_human": False, "approver_id": None}
            unjudged |= {"approval_latency_minutes": None}
            first |= unjudged
            second |= unjudged | {"currency": self.random.choice(("USD", "USD", "EUR"))}
        return [first, second]

    def risks(self) -> None:
        """Add risk signals; decisions at and just after the end of a review time among them."""
        pick = self.random.choice
        rows = []
        for number in range(40):
            campaign = self.random.randrange(5)
            named = [f"ASSET_{campaign * 4 + self.random.randrange(4):03}" for _ in range(3)]
            experiments = [
                row["experiment_id"]
                for row in self.export["experiments"]
                if row["campaign_id"] == f"CAMP_{campaign:03}"
            ]
            rows.append(
                {
                    "risk_id": self.identifier("RSK", number),
                    "timestamp": self.written(self.moment()),
                    "campaign_id": f"CAMP_{campaign:03}",
                    "experiment_id": pick((None, *experiments)),
                    "asset_ids": pick(([], named[:1], named[:2], named[:1] * 2, named)),
                    "risk_type": pick(RISK_TYPES),
                    "severity": pick(("low", "medium", "medium", "high", "critical")),
                    "evidence": {},
                    "recommended_action": pick(("pause", "human_review", "investigate_tracking")),
                    "status": pick(("open", "open", "in_review", "mitigated", "dismissed")),
                }
            )
        self.export["campaign_risk_signals"] = rows
        world = oracle.read_world(self.export)
        for signal in world.signals:
            row = next(row for row in rows if row["risk_id"] == signal["risk_id"])
            row["evidence"] = self.evidence(oracle.signal_facts(world, signal))
        for row, odd in zip(self.random.sample(rows, len(NO_FIGURES)), NO_FIGURES, strict=True):
            row["evidence"]["clicks"] = odd
        for row in self.random.sample(rows, 12):
            self.review_at_the_edge(row)
        for row in self.random.sample(rows, 8):
            self.review_of_what_it_is_about(row)

    def evidence(self, facts: dict) -> Row:
        """Return evidence: known figures, exact or off by about a tolerance, and anything else."""
        evidence: Row = {}
        keys = oracle.read_reference("evidence_measures")
        for definition in self.random.sample(keys, self.random.choice((0, 1, 1, 2, 3))):
            known = facts[definition["measure"]]
            tolerance = oracle.exact(definition["tolerance"]) or self.random.choice((0, 0, 1))
            off = self.random.choice((-1, 0, 0, 0, 1, 2)) * Fraction(tolerance)
            value = self.off_by(known, off, 9)
            evidence[definition["evidence_key"]] = int(value) if value % 1 == 0 else value
        if self.chance(0.3):
            evidence[self.random.choice(("note", "Ключ", "a.b", 'quo"te', "$"))] = 1
        return evidence

    def review_at_the_edge(self, signal: Row) -> None:
        """Add one decision by a person, or two: at the signal, when its review is due, or late."""
        severity = oracle.read_reference("risk_severities")
        allowed = {row["severity"]: int(row["review_minutes"]) for row in severity}
        raised_at = oracle.moment(signal["timestamp"])
        due = raised_at + timedelta(minutes=allowed[signal["severity"]])
        at = self.random.choice((raised_at, due, due + timedelta(seconds=1)))
        if at <= LAST_MOMENT:
            rows = self.export["orchestrator_decisions"]
            for _ in range(self.random.choice((1, 2))):
                decision = {"decision_id": self.identifier("DEC", len(rows))}
                decision |= {"timestamp": self.written(at), "human_override": True}
                decision |= {"campaign_id": signal["campaign_id"]}
                trigger = self.random.choice((rows[0]["trigger"], f"On {signal['risk_id']}"))
                rows.append(rows[0] | decision | {"trigger": trigger})

    def review_of_what_it_is_about(self, signal: Row) -> None:
        """Add a decision that names a signal's experiment or asset, of whatever campaign."""
        subjects = [*signal["asset_ids"], *filter(None, [signal["experiment_id"]])]
        at = oracle.moment(signal["timestamp"]) + timedelta(hours=self.random.choice((0, 2)))
        if subjects and at <= LAST_MOMENT:
            rows = self.export["orchestrator_decisions"]
            named = self.random.choice(subjects)
            rows.append(
                rows[0]
                | {
                    "decision_id": self.identifier("DEC", len(rows)),
                    "timestamp": self.written(at),
                    "campaign_id": f"CAMP_{self.random.randrange(5):03}",
                    "human_override": self.chance(0.8),
                    "trigger": self.random.choice(("Clicks", f"On {named}")),
                    "action_taken": self.random.choice(NAMED).format(named),
                }
            )

    def rollups(self) -> None:
        """Add reported rollups: exact, a little off, wrong, or of windows without performance."""
        rows: dict[tuple, Row] = {}
        world = oracle.read_world(self.export)
        kpis = {row["campaign_id"]: row["primary_kpi"] for row in self.export["campaigns"]}
        for number in range(20):
            end = date(2026, 3, self.random.choice((5, 8, 8, 15, 15, 20, 27)))
            start = end - timedelta(days=self.random.choice((6, 6, 6, 0, 2)))
            asset = self.random.choice(self.export["creative_assets"])
            campaign = asset["campaign_id"]
            segment = asset["segment_id"] if self.chance(0.8) else "SEG_000"
            row = {
                "rollup_id": f"SEGROLL_{number:04}",
                "window_start": start.isoformat(),
                "window_end": end.isoformat(),
                "campaign_id": campaign,
                "segment_id": segment,
                "primary_kpi": kpis[campaign],
                "recommendation": self.random.choice(("scale", "hold", "revise", "stop")),
            }
            computed = oracle.computed_rollup(world, oracle.rollup(row))
            row |= {name: self.reported(name, value) for name, value in computed.items()}
            for name in ("clicks", "conversions"):
                row[name] = min(row[name], row["impressions"])
            row["trend_vs_prior_window"] = max(-1, min(1, row.pop("trend")))
            rows[campaign, segment, end] = row
        self.export["segment_rollups"] = list(rows.values())

    def reported(self, measure: str, value: object) -> float:
        """Return a figure as a rollup may report it."""
        if measure in ("impressions", "clicks", "conversions"):
            return int(value or 0) + self.random.choice((0, 0, 0, 1))
        places = 4 if measure == "kpi_value" else 2
        half = Fraction(1, 2 * 10**places)
        off = self.random.choice((-2, -1, 0, 0, 0, 1, 2)) * half
        return max(0 if measure != "trend" else -1, self.off_by(value, off, places))

    def off_by(self, value: Fraction | None, off: Fraction, places: int) -> float:
        """Return a value that is off by exactly this much, or a rounded one by a little less."""
        known = value or Fraction(0)
        told = float(known + off)
        is_exact = oracle.exact(told) - known == off
        return told if is_exact else round(float(known + off * Fraction(9, 10)), places)

    def hints(self) -> None:
        """Add attribution hints."""
        self.export["attribution_hints"] = [
            {
                "hint_id": f"ATTR_{number:04}",
                "timestamp": self.written(self.moment()),
                "campaign_id": f"CAMP_{self.random.randrange(5):03}",
                "channel_id": f"CH_{self.random.randrange(4):02}",
                "attributed_conversions": self.random.randrange(30),
                "method": self.random.choice(("first_touch", "last_touch", "assist")),
                "confidence": self.random.choice(CONFIDENCES),
            }
            for number in range(5)
        ]

    # ---- Records for decisions, in their own campaigns, so that they change nothing above

    def campaign(self, number: int, **fields: object) -> str:
        """Add an active campaign and its line in the ledger, which some lack."""
        campaign_id = f"CAMP_{number:03}"
        media = fields.pop("media_spend", None)
        row = {
            "campaign_id": campaign_id,
            "created_at": self.written(datetime(2026, 2, 20, 9, number)),
            "name": self.name(number),
            "objective": "",
            "primary_kpi": "conversion_rate",
            "start_date": "2026-03-01",
            "end_date": "2026-04-09",
            "budget": 10000,
            "status": "active",
            "hypothesis": "",
        }
        self.export["campaigns"].append(row | fields)
        if media is not None:
            costs = {"llm_cost": 12.34, "human_review_cost": 56.7, "media_spend": media}
            value = Decimal("20000.05")
            net = value - sum(Decimal(str(cost)) for cost in costs.values())
            worth = {"estimated_value": float(value), "net_roi": float(net)}
            self.export["roi_ledger"].append({"campaign_id": campaign_id} | costs | worth)
        return campaign_id

    def asset(self, campaign_id: str, segment: str, channel: str, **fields: object) -> str:
        """Add an approved asset."""
        rows = self.export["creative_assets"]
        asset_id = f"ASSET_{len(rows):03}"
        row = {
            "asset_id": asset_id,
            "created_at": self.written(datetime(2026, 2, 22, 9)),
            "campaign_id": campaign_id,
            "segment_id": segment,
            "channel_id": channel,
            "variant": "AB"[len(rows) % 2],
            "message_theme": self.name(len(rows)),
            "cta": "",
            "approved_by_human": True,
            "risk_flags": [],
        }
        rows.append(row | fields)
        return asset_id

    def trials(self) -> None:
        """Add one experiment for each way in which one can end, and for each edge between two."""
        campaign = self.campaign(5, budget=1000, media_spend=900)
        for (hits, shown), (variant_hits, variant_shown), fields in self.outcomes():
            unlike = fields.pop("unlike", {})
            days = fields.pop("days", (6, 8, 9, 10, 11, 12))
            dearer, is_late = fields.pop("dearer", 1), fields.pop("is_late", False)
            segment = f"SEG_{self.random.randrange(3):03}"
            channel = f"CH_{self.random.randrange(3):02}"
            control = self.asset(campaign, segment, channel)
            variant = self.asset(campaign, segment, channel, **unlike)
            number = len(self.export["experiments"])
            end = self.random.choice(("2026-03-12", "2026-03-31", None))
            experiment = {
                "experiment_id": f"EXP_{number:03}",
                "campaign_id": campaign,
                "start_date": "2026-03-06",
                "end_date": end,
                "type": "A/B",
                "metric": self.random.choice(("conversion_rate", "click_through_rate")),
                "control_asset": control,
                "variant_asset": variant,
                "status": "completed" if end else "running",
            } | fields
            self.export["experiments"].append(experiment)
            self.arm(experiment, control, hits, shown, days)
            self.arm(experiment, variant, variant_hits, variant_shown, days, dearer, is_late)
            if self.chance(0.5):
                self.act_on(experiment)
        self.experiment_without_data(campaign, "2026-04-01")

    def act_on(self, experiment: Row) -> None:
        """Add a decision on an experiment: before or after what it shows, at times on its asset."""
        at = datetime(2026, 3, self.random.choice((5, 6, 10, 11, 12)))
        at += self.random.choice((timedelta(), timedelta(days=1, microseconds=-1)))
        rows = self.export["orchestrator_decisions"]
        named = self.random.choice(("experiment_id", "experiment_id", "variant_asset"))
        rows.append(
            rows[0]
            | {
                "decision_id": self.identifier("DEC", len(rows)),
                "timestamp": self.written(at),
                "campaign_id": experiment["campaign_id"],
                "human_override": False,
                "trigger": f"Looked at {experiment['experiment_id']}",
                "action_taken": f"Rolled out {experiment[named]}",
            }
        )

    def outcomes(self) -> list[tuple]:
        """Return successes and trials of both arms, and how the experiment differs from others."""
        n = 40 * self.random.randrange(900, 1100)
        half, tenth = n // 2, n // 10
        rate = self.random.choice((20, 25, 40))  # in a thousandth of n, so that lifts are exact
        base = n * rate // 1000 // 10 * 10
        risky = {"unlike": {"approved_by_human": False}}
        unknown = {"metric": "without_a_definition"}
        ahead = {"start_date": "2026-03-28", "days": (19, 20, 21, 22, 23)}
        by_conversion = {"metric": "conversion_rate"}
        later = {"days": (12, 14, 16, 18, 20, 23), "end_date": None, "status": "running"}
        return [
            ((base * 5, n), (base * 5 * 11 // 10, n), {}),  # exactly the lift worth scaling
            ((base * 5, n), (base * 5 * 11 // 10, n), {"end_date": None, "status": "running"}),
            ((base * 5, n), (base * 5 * 11 // 10 - 1, n), {}),  # one success less
            ((base, n), (base * 3 // 2, n), {}),
            ((base, n), (base * 5 // 4, n), {}),
            ((base, n), (base * 4 // 5, n), {}),
            ((base * 5, n), (base * 4, n), {}),
            ((base * 5, n), (base * 6, n), by_conversion),
            ((base * 5, n), (base * 6, n), by_conversion | {"is_late": True}),
            ((base * 5, n), (base * 6, n), by_conversion | {"dearer": 2}),
            ((tenth, n), (tenth, n), {}),
            ((tenth, n), (tenth + 3, n + 7), {}),
            ((20, 2000), (22, 2000), {}),
            ((22, 2000), (20, 2000), {}),
            ((0, half), (0, half), {}),
            ((0, half), (40, half), {}),
            ((0, half), (1, half), {}),
            ((40, half), (0, half), {}),
            ((2000, 2000), (2000, 2000), {}),
            ((2000, 2000), (1900, 2000), {}),
            ((1900, 2000), (2000, 2000), {}),
            ((10000, 11000), (10000, 11000), {}),  # a lift worth scaling would just reach 1
            ((50, 999), (60, 1000), {}),
            ((50, 1000), (90, 1000), {}),
            ((0, 0), (0, 0), {}),
            ((0, 0), (1, 3), {}),
            ((0, 0), (10, 3000), {}),  # no sample, and so no even split
            ((100, 10000), (100, 10400), {}),
            ((100, 10000), (100, 10500), {}),
            ((100, 3000), (150, 3000), unknown),
            ((100, 3000), (150, 3000), unknown | risky),
            ((100, 3000), (190, 3000), risky),
            ((100, 3000), (190, 3000), {"unlike": {"segment_id": "SEG_003"}}),
            ((100, 3000), (190, 3000), {"unlike": {"channel_id": "CH_03"}}),
            ((100, 3000), (190, 3000), {"start_date": "2026-03-07"}),
            ((100, 3000), (190, 3000), {"end_date": "2026-03-11", "status": "completed"}),
            ((100, 3000), (190, 3000), {"end_date": "2026-03-12", "status": "completed"}),
            ((100, 3000), (190, 3000), later),
            # What was exported holds, whatever the dates.
            ((100, 3000), (190, 3000), {**ahead, "end_date": None, "status": "running"}),
            ((100, 3000), (190, 3000), {**ahead, "end_date": "2026-03-31", "status": "completed"}),
        ]

    def arm(
        self,
        experiment: Row,
        asset: str,
        hits: int,
        shown: int,
        days: tuple,
        dearer: int = 1,
        is_late: bool = False,
    ) -> None:
        """Add what an arm earned: from the first moment of one day to the last of another.

        Where it is late, the last day's trials were shown on the first.
        """
        field = {"click_through_rate": "clicks"}.get(experiment["metric"], "conversions")
        for number, day in enumerate(days):
            first, second = (total * number // len(days) for total in (hits, shown))
            successes = hits * (number + 1) // len(days) - first
            trials = shown * (number + 1) // len(days) - second
            if is_late and day in (days[0], days[-1]):
                trials = (
                    0 if day == days[-1] else trials + shown - shown * (len(days) - 1) // len(days)
                )
            clock = {days[0]: time.min, days[-1]: time.max}.get(day, time(18))
            row = self.snapshot(asset, datetime.combine(date(2026, 3, day), clock))
            row |= {"impressions": trials, "clicks": trials // 20, "conversions": trials // 50}
            row |= {"cost": trials * dearer / 100}
            row[field] = successes
            rate = Decimal(row["conversions"]) / (trials or 1)
            row["conversion_rate"] = float(rate.quantize(Decimal("0.001"), ROUND_HALF_UP))
            row["experiment_id"] = experiment["experiment_id"]
            self.export["performance_metrics"].append(row)

    def journeys(self) -> None:
        """Add a place for each combination of clicks and journey."""
        campaign = self.campaign(6, budget=100)
        clicks = {"none": None, "unclicked": (1000, 0), "few": (1000, 1), "many": (1000, 300)}
        clicks["unsure"] = (20, 1)
        journeys = {
            "none": (),
            "entry": ((5, "impression", 500),),
            "sound": ((5, "impression", 5000), (5, "feature_adopt", 2500)),
            "weak": ((5, "impression", 1000), (5, "feature_adopt", 100)),
            "blocked": ((5, "impression", 1000), (5, "feature_adopt", 0)),
            "anomalous": ((5, "impression", 10), (5, "feature_adopt", 11)),
            "never": ((5, "impression", 50), (5, "purchase", 25), (5, "feature_adopt", 0)),
            "long": ((5, "impression", 5000), (5, "click", 4000), (5, "visit", 3000)),
            "rare": ((5, "demo_request", 10000), (5, "feature_adopt", 50)),
            "rarely": ((5, "demo_request", 100), (5, "feature_adopt", 0)),
            "tied": ((5, "impression", 50), (5, "click", 0), (6, "click", 40), (6, "visit", 0)),
        }
        places = [(f"SEG_{n // 4:03}", f"CH_{n % 4:02}") for n in range(16)]
        pairs = [(shown, journey) for shown in clicks for journey in journeys]
        unsure = ("sound", "weak", "blocked")
        kept = [
            (shown, journey)
            for shown, journey in pairs
            if (journey in unsure if shown == "unsure" else shown == "many")
            or (journey not in ("rare", "rarely") and (shown == "few" or self.chance(0.5)))
        ]
        for number, (shown, journey) in enumerate(kept):
            if number % 16 == 0:
                campaign = self.campaign(7 + number // 16, budget=100, media_spend=75)
                self.experiment_without_data(campaign)
            segment, channel = places[number % 16]
            if clicks[shown] is not None:
                asset = self.asset(campaign, segment, channel)
                row = self.snapshot(asset, datetime(2026, 3, 5, 12))
                row |= dict(zip(("impressions", "clicks"), clicks[shown], strict=True))
                row |= {"conversions": 0}
                row |= {"conversion_rate": 0.0, "revenue_proxy": 3.75}
                self.export["performance_metrics"].append(row)
            for day, stage, count in journeys[journey]:
                event = {"event_id": f"FNL_{len(self.export['funnel_events']):04}"}
                event |= {"timestamp": f"2026-03-{day:02}T00:00:00"}
                event |= {"date": f"2026-03-{day:02}"}
                event |= {"campaign_id": campaign, "segment_id": segment, "channel_id": channel}
                event |= {"stage": stage, "count": count, "source": "crm", "confidence": 0.9}
                self.export["funnel_events"].append(event)
        self.experiment_without_data("CAMP_006")

    def experiment_without_data(self, campaign: str, start: str = "2026-03-05") -> None:
        """Add an experiment that has measured nothing."""
        arms = [self.asset(campaign, "SEG_000", "CH_00") for _ in range(2)]
        self.export["experiments"].append(
            {
                "experiment_id": f"EXP_{len(self.export['experiments']):03}",
                "campaign_id": campaign,
                "start_date": start,
                "end_date": None,
                "type": "A/B",
                "metric": "conversion_rate",
                "control_asset": arms[0],
                "variant_asset": arms[1],
                "status": "running",
            }
        )

    def money(self) -> None:
        """Add campaigns at the edges of target, and events at the edges of windows."""
        pace = ((7500, "2026-03-01"), (4500, "2026-03-01"), (6000, "2026-03-01"), (0, "2026-04-09"))
        for number, (media, start) in enumerate(pace, start=10):
            campaign = self.campaign(number, media_spend=media, start_date=start)
            self.experiment_without_data(campaign)
            asset = self.asset(campaign, "SEG_001", "CH_01")
            if start == "2026-03-01":
                row = self.snapshot(asset, datetime(2026, 3, 9, 12))
                row["revenue_proxy"] = self.random.choice((8000, 7999.99, 12000, 11999.99))
                self.export["performance_metrics"].append(row)
        self.export["campaigns"][-1]["budget"] = 0
        self.experiment_without_data(self.campaign(15))
        # What has not begun is not judged, though it has measured something.
        for number, early in ((14, {"status": "draft"}), (19, {"start_date": "2026-04-01"})):
            campaign = self.campaign(number, media_spend=0, **early)
            self.experiment_without_data(campaign)
            asset = self.asset(campaign, "SEG_001", "CH_01")
            row = self.snapshot(asset, datetime(2026, 3, 9, 12)) | {"revenue_proxy": 9000}
            self.export["performance_metrics"].append(row)
        self.risks_of_winners()
        self.following_actions()
        hint = self.export["attribution_hints"][0]
        for number in range(12):
            self.export["attribution_hints"].append(
                hint
                | {
                    "hint_id": f"ATTR_1{number:03}",
                    "timestamp": self.written(self.moment()),
                    "campaign_id": f"CAMP_{self.random.choice((5, 10)):03}",
                    "channel_id": f"CH_{self.random.randrange(4):02}",
                    "attributed_conversions": self.random.randrange(30) if number > 2 else 0,
                    "method": "self_reported" if number < 3 else self.random.choice(METHODS),
                    "confidence": self.random.choice(CONFIDENCES),
                }
            )

    def risks_of_winners(self) -> None:
        """Add a signal, open or not, on some of the experiments with an outcome."""
        signal = self.export["campaign_risk_signals"][0]
        tested = [row for row in self.export["experiments"] if row["campaign_id"] == "CAMP_005"]
        for number, experiment in enumerate(tested[::3]):
            self.export["campaign_risk_signals"].append(
                signal
                | {
                    "risk_id": f"RSK_1{number:03}",
                    "timestamp": self.written(self.moment()),
                    "campaign_id": "CAMP_005",
                    "experiment_id": experiment["experiment_id"],
                    "asset_ids": [],
                    "evidence": {},
                    "status": self.random.choice(("open", "in_review", "mitigated", "dismissed")),
                }
            )

        unseen = self.export["experiments"][-1]  # it has measured nothing
        self.export["campaign_risk_signals"].append(
            signal
            | {
                "risk_id": "RSK_2000",
                "timestamp": self.written(datetime(2026, 3, 8)),
                "campaign_id": unseen["campaign_id"],
                "experiment_id": None,
                "asset_ids": [unseen["control_asset"]],
                "severity": "critical",
                "evidence": {},
                "status": "open",
            }
        )

    def following_actions(self) -> None:
        """Add actions at the edges of what follows a decision, and of the windows of a move."""
        decided = datetime(2026, 3, 10, 9)
        decision = self.export["orchestrator_decisions"][0]
        for number in range(2):
            record = {"decision_id": f"DEC_1{number:03}", "timestamp": self.written(decided)}
            record |= {"campaign_id": "CAMP_005"}
            self.export["orchestrator_decisions"].append(decision | record)
        second = timedelta(seconds=1)
        gaps = (
            -second,
            timedelta(0),
            timedelta(0),
            timedelta(hours=72),
            timedelta(hours=72) + second,
        )
        gaps += (timedelta(days=7), timedelta(days=8))
        for number, gap in enumerate(gaps):
            action = self.budget_action(decided + gap)
            action |= {"budget_action_id": f"BUD_1{number:03}", "campaign_id": "CAMP_005"}
            action |= {
                "amount": 10,
                "status": self.random.choice(("executed", "executed", "proposed")),
            }
            self.export["budget_actions"].append(action)

    def movers(self) -> None:
        """Add segments whose rate changes by more than noise, and by less; and what was decided."""
        rises = self.campaign(16, media_spend=5000)
        paused = self.campaign(17, media_spend=5000, status="paused")
        barren = self.campaign(18, media_spend=5000)
        # Conversions from 2,000 impressions a day, before and from 14 March on.
        series = {
            (rises, "SEG_000"): (20, 45),
            (rises, "SEG_001"): (45, 20),
            (rises, "SEG_002"): (0, 0),
            (rises, "SEG_003"): (20, 22),
            (paused, "SEG_000"): (0, 20),
            (paused, "SEG_001"): (30, 0),
            (paused, "SEG_002"): (45, 20),
            (paused, "SEG_003"): (1, 3),
            (barren, "SEG_000"): (0, 0),
        }
        for (campaign, segment), rates in series.items():
            channel = f"CH_{self.random.randrange(4):02}"
            arms = [self.asset(campaign, segment, channel) for _ in range(2)]
            experiment = {
                "experiment_id": f"EXP_{len(self.export['experiments']):03}",
                "campaign_id": campaign,
                "start_date": "2026-03-01",
                "end_date": None,
                "type": "A/B",
                "metric": "conversion_rate",
                "control_asset": arms[0],
                "variant_asset": arms[1],
                "status": "running",
            }
            self.export["experiments"].append(experiment)
            for day in range(1, DAYS + 1):
                if self.chance(0.2):
                    continue
                row = self.snapshot(self.random.choice(arms), datetime(2026, 3, day, 18))
                mean = rates[day >= 14]
                hits = max(0, mean + self.random.randint(-2, 2)) if mean else 0
                row |= {"impressions": 2000, "clicks": 100, "conversions": hits}
                row |= {"conversion_rate": round(hits / 2000, 3), "cost": day / 4}
                row["experiment_id"] = experiment["experiment_id"]
                self.export["performance_metrics"].append(row)
            self.decide_on(experiment, segment)

    def decide_on(self, experiment: Row, segment: str) -> None:
        """Add decisions on a segment or its experiment: early and late, by people and others."""
        rows = self.export["orchestrator_decisions"]
        last = datetime.max.time()
        for day, clock in ((8, last), (9, datetime.min.time()), (23, datetime.min.time())):
            if self.chance(0.5):
                named = self.random.choice(
                    (segment, segment, experiment["experiment_id"], experiment["control_asset"])
                )
                record = {
                    "decision_id": self.identifier("DEC", len(rows)),
                    "timestamp": self.written(datetime.combine(date(2026, 3, day), clock)),
                    "campaign_id": experiment["campaign_id"],
                    "human_override": self.chance(0.8),
                    "action_taken": self.random.choice(NAMED).format(named),
                }
                rows.append(rows[0] | record)

    # ---- Contradictions, added last, so that they change nothing above

    def repeats(self) -> None:
        """Add duplicates of records under a new id, some with another status."""
        for dataset, key, statuses in (
            ("budget_actions", "budget_action_id", ("proposed", "rejected", "executed")),
            ("campaign_risk_signals", "risk_id", ("open", "mitigated")),
            ("attribution_hints", "hint_id", ()),
        ):
            rows = self.export[dataset]
            for number, row in enumerate(self.random.sample(rows, 6)):
                again = row | {key: f"{row[key]} again"}
                if statuses and number % 2:
                    again["status"] = self.random.choice(statuses)
                rows += [again, again | {key: f"A {row[key]}"}][: self.random.choice((1, 2))]

    def namesakes(self) -> None:
        """Give two or three records of each kind the same label."""
        for dataset, fields in (
            ("campaigns", ("name",)),
            ("audience_segments", ("name",)),
            ("channels", ("type", "platform")),
            ("creative_assets", ("message_theme", "variant")),
        ):
            first, *others = self.random.sample(self.export[dataset], self.random.choice((2, 3)))
            for row in others:
                row.update({name: first[name] for name in fields})

    def late_events(self) -> None:
        """Add rows without an impression, of assets that have had enough of them."""
        rows = self.export["performance_metrics"]
        shown = [
            row
            for row in rows
            if row["asset_id"] < "ASSET_016" and row["impressions"] >= 999 > row["conversions"] + 99
        ]
        for number, row in enumerate(self.random.sample(shown, 6)):
            at = datetime(2026, 3, 24, 19, 0, number)
            late = {"timestamp": self.written(at), "impressions": number % 2, "clicks": number % 3}
            late |= {"conversions": 2, "conversion_rate": 2.0 * (number % 2)}
            rows.append(row | late | {"cost": 0, "revenue_proxy": 77.777})

    def agreement(self) -> None:
        """Add a place in which the funnel and performance count the same on the one day covered."""
        campaign = self.campaign(20, budget=100, media_spend=75)
        self.experiment_without_data(campaign)
        asset = self.asset(campaign, "SEG_002", "CH_02")
        for day in (5, 6):
            row = self.snapshot(asset, datetime(2026, 3, day, 12))
            self.export["performance_metrics"].append(row)
        event = {"event_id": f"FNL_{len(self.export['funnel_events']):04}", "stage": "signup"}
        event |= {"timestamp": "2026-03-06T22:00:00", "date": "2026-03-06", "source": "crm"}
        event |= {"campaign_id": campaign, "segment_id": "SEG_002", "channel_id": "CH_02"}
        event |= {"count": row["conversions"], "confidence": 0.9}
        self.export["funnel_events"].append(event)

    def weekly_steps(self) -> None:
        """Add steps on five days or more of two weeks: some change, most of them within noise."""
        campaign = "CAMP_020"  # of agreement()
        steps = {
            "worsens": (range(7), (100, 104, 97, 102, 95, 101, 99), 0.4),
            "improves": (range(5), (50, 52, 47, 51, 49, 50, 52), 1.6),
            "stays": (range(7), (60, 90, 30, 75, 45, 80, 50), 0.8),
            "ends": (range(6), (20, 18, 22, 21, 19, 20, 20), 0),
            "is on four days": (range(4), (100, 104, 97, 102), 0.1),
            "yields more than came": (range(7), (100, 104, 97, 102, 95, 101, 99), 40),
        }
        for number, (days, counts, factor) in enumerate(steps.values()):
            place = {"segment_id": f"SEG_{number % 3:03}", "channel_id": f"CH_{number // 3:02}"}
            for week, scale in enumerate((1, factor)):
                for day in days:
                    on = date(2026, 3, 2) + timedelta(days=7 * week + day)
                    went = int(counts[day] * scale)
                    for stage, count in (("visit", 900 + 70 * day), ("signup", went)):
                        event = {"event_id": f"FNL_{len(self.export['funnel_events']):04}"}
                        event |= {"timestamp": f"{on}T22:00:00", "date": str(on), "source": "crm"}
                        event |= {"campaign_id": campaign, "stage": stage, "count": count}
                        self.export["funnel_events"].append(event | place | {"confidence": 0.9})


def messy_export(seed: int) -> Export:
    """Return a random export, its records in random order."""
    generator = Generator(seed)
    generator.entities()
    generator.performance()
    generator.funnel()
    generator.decisions()
    generator.budget()
    generator.risks()
    generator.name_records()
    generator.rollups()
    generator.hints()
    generator.trials()
    generator.journeys()
    generator.money()
    generator.movers()
    generator.repeats()
    generator.agreement()
    generator.weekly_steps()
    generator.namesakes()
    generator.late_events()
    for records in generator.export.values():
        generator.random.shuffle(records)
    return generator.export
