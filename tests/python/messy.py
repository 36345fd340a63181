"""Random exports that are valid and yet as untidy as real ones.

`messy_export(seed)` breaks no structural rule. It is full of what rules are about: ties, gaps,
zeros, values that lie exactly on a threshold, several currencies, offsets, absent fields. Some of
its figures (evidence, rollups) are quoted from what the oracle knows, at times a little off.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import oracle

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
KPIS = ("conversion_rate", "demo_request_rate", "click_through_rate", "without_a_definition")
NO_FIGURES = ("text", "12", "1e3", "NaN", "", "ü", None, True, [12], {"clicks": 12})
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
        """Return a day of the export's weeks."""
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
        """Return a name that no one should trip over."""
        return f"{self.random.choice(NAMES)} {number}"

    def identifier(self, prefix: str, number: int) -> str:
        """Return an id of one of several shapes, so that text order is not the order of numbers."""
        return self.random.choice(
            (f"{prefix}_{number}", f"{prefix}_{number}", f"ü|{prefix} '{number}")
        )

    def maybe(self, row: Row, field: str, value: object) -> None:
        """Set a field, or null, or leave it out: for what is both optional and nullable."""
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
            if self.chance(0.7):
                experiment = self.random.choice(tested)
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
        """Return what an asset earned; at times nothing, at times conversions without a click."""
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
        """Return an action in any state, lawful or not."""
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
                rows.append(rows[0] | decision | {"campaign_id": signal["campaign_id"]})

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


def messy_export(seed: int) -> Export:
    """Return a random export, its records in random order."""
    generator = Generator(seed)
    generator.entities()
    generator.performance()
    generator.funnel()
    generator.decisions()
    generator.budget()
    generator.risks()
    generator.rollups()
    generator.hints()
    for records in generator.export.values():
        generator.random.shuffle(records)
    return generator.export
