"""The possible corruptions of an export, derived from the specification of each field.

The table is written from the specification, not from the checks: the rule of a field gives the
values that break it and the values at the edge that do not. Each corruption gets its own carrier, a
fresh record that is otherwise valid, so that hundreds of them share one build.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from warehouse.system.words import shown

Record = dict[str, Any]
Export = dict[str, list[Record]]
Check = tuple[str, str]
"""A generic test's kind, a key of a rule of `values_are_accepted`, or a test's own name; and the
field that it judges ("" for a whole dataset)."""

ONE_OF = "values or relationships"
ABOVE = "above its maximum"
REQUIRED = ("required_fields_are_present", "")
GRAIN = ("unique_combination_of_columns", "")

# ---- What the specification says of a field --------------------------------------------------


@dataclass(frozen=True)
class Property:
    """The rule of a field: values that break it, by kind, and values at its edge that don't."""

    check: str = ""
    bad: dict[str, object] = field(default_factory=dict)
    good: tuple[object, ...] = ()
    status: str = "fail"


def key() -> Property:
    """Return the property of a field that identifies a record; see `corruptions_of_a_key`."""
    return Property("unique")


def refers_to(value_of_another: str) -> Property:
    """Return the property of a foreign key, given a value that another dataset has."""
    # Blank in a way that no corrupted key is.
    bad = {"dangling reference": "NOWHERE", "blank reference": "  ", "other key": value_of_another}
    return Property("relationships", bad)


def one_of(*values: str) -> Property:
    """Return the property of a closed list of V2."""
    bad = {
        "unknown value": "unheard_of",
        "wrong case": values[0].capitalize(),
        "trailing space": values[0] + " ",
        "blank value": "",
    }
    return Property(ONE_OF, bad, values)


def seen(*values: str) -> Property:
    """Return the property of an open list of V1: a new value is only a warning."""
    return Property(ONE_OF, {"new value": "brand_new"}, values, status="warn")


def anything(why: str) -> Property:
    """Return the property of a field of which every value of its type is right, and why."""
    assert why
    return Property()


def in_range(low: float, high: float | None = None) -> Property:
    """Return the property of a number with bounds that it may reach."""
    bad = {"below its minimum": low - 1} | ({} if high is None else {ABOVE: high + 1})
    return Property("min_value", bad, (low,) if high is None else (low, high))


COUNT = in_range(0)
MONEY = Property("min_value", {"below its minimum": -0.01}, (0, 0.01))
SHARE = Property("min_value", {"below its minimum": -0.01, ABOVE: 1.01}, (0, 0.5, 1))
TREND = replace(SHARE, bad={"below its minimum": -1.01, ABOVE: 1.01}, good=(-1, 1))
EVENT_TIME = Property(
    "event_time",
    {
        "placeholder of year 1": "0001-01-01T00:00:00",
        "placeholder of 1970": "1970-01-01T00:00:00",
        "just too early": "1999-12-31T23:59:59.999999",
        "just too late": "2100-01-01T00:00:00",
        "placeholder of 9999": "9999-12-31T23:59:59",
    },
    ("2000-01-01T00:00:00", "2099-12-31T23:59:59.999999", "2026-03-16T15:00:00+02:00"),
)
EVENT_DAY = Property(  # not the days above: two events a day would break the grain
    "event_time",
    {
        "placeholder of year 1": "0001-01-02",
        "placeholder of 1970": "1970-01-02",
        "just too early": "1999-12-30",
        "just too late": "2100-01-02",
        "placeholder of 9999": "9999-12-30",
    },
    ("2000-01-02", "2099-12-30"),
)
LABEL = anything("people's words; an empty one is no error")
FLAG = anything("true or false, which the converter sees to")
PLANNED = anything("a plan may lie anywhere, 9999-12-31 for without end; its order is a fact below")

A_CAMPAIGN = refers_to("SEG_001")
A_SEGMENT = refers_to("CH_01")
A_CHANNEL = refers_to("SEG_001")
AN_ASSET = refers_to("EXP_001")
AN_EXPERIMENT = refers_to("ASSET_001")
A_KPI = seen(
    "conversion_rate", "demo_request_rate", "feature_click_through_rate", "click_through_rate"
)

PROPERTIES: dict[str, dict[str, Property]] = {
    "campaigns": {
        "campaign_id": key(),
        "created_at": EVENT_TIME,
        "name": LABEL,
        "objective": LABEL,
        "primary_kpi": A_KPI,
        "start_date": PLANNED,
        "end_date": PLANNED,
        "budget": MONEY,
        "status": seen("active", "paused", "draft", "completed"),
        "hypothesis": LABEL,
    },
    "audience_segments": {
        "segment_id": key(),
        "name": LABEL,
        "description": LABEL,
        "size_estimate": COUNT,
        "priority": seen("high", "medium", "low"),
    },
    "channels": {
        "channel_id": key(),
        "type": seen("email", "paid_search", "social", "in_app"),
        "platform": LABEL,
        "cost_model": seen("per_send", "per_click", "per_impression", "flat"),
        "avg_cost": MONEY,
    },
    "creative_assets": {
        "asset_id": key(),
        "created_at": EVENT_TIME,
        "campaign_id": A_CAMPAIGN,
        "segment_id": A_SEGMENT,
        "channel_id": A_CHANNEL,
        "variant": seen("A", "B"),
        "message_theme": LABEL,
        "cta": LABEL,
        "approved_by_human": FLAG,
        "risk_flags": anything("a list of free texts, empty or not"),
    },
    "experiments": {
        "experiment_id": key(),
        "campaign_id": A_CAMPAIGN,
        "start_date": replace(EVENT_DAY, status="warn"),
        "end_date": PLANNED,
        "type": seen("A/B"),
        "metric": A_KPI,
        "control_asset": AN_ASSET,
        "variant_asset": AN_ASSET,
        "status": seen("running"),  # completed needs an end to go with it
    },
    "performance_metrics": {
        "asset_id": AN_ASSET,
        "experiment_id": AN_EXPERIMENT,
        "timestamp": EVENT_TIME,
        "impressions": COUNT,
        "clicks": COUNT,
        "conversions": COUNT,
        "conversion_rate": replace(MONEY, good=(0,)),  # above 1 in a row of late conversions
        "cost": MONEY,
        "revenue_proxy": MONEY,
    },
    "orchestrator_decisions": {
        "decision_id": key(),
        "campaign_id": A_CAMPAIGN,
        "trigger": LABEL,
        "action_taken": LABEL,
        "confidence_score": SHARE,
        "human_override": FLAG,
        "timestamp": EVENT_TIME,
    },
    "roi_ledger": {
        "campaign_id": key(),
        "llm_cost": replace(MONEY, good=(0,)),  # what is more changes net_roi
        "human_review_cost": replace(MONEY, good=(0,)),
        "media_spend": replace(MONEY, good=(0,)),
        "estimated_value": replace(MONEY, good=(0,)),
        "net_roi": anything("a loss is below 0; what it is made of is a fact below"),
    },
    "funnel_events": {
        "event_id": key(),
        "timestamp": EVENT_TIME,
        "date": EVENT_DAY,
        "campaign_id": A_CAMPAIGN,
        "segment_id": A_SEGMENT,
        "channel_id": A_CHANNEL,
        "stage": one_of(
            "impression", "click", "visit", "signup", "demo_request", "purchase", "feature_adopt"
        ),
        "count": COUNT,
        "source": one_of("ads_platform", "crm", "web_analytics", "product_analytics"),
        "confidence": SHARE,
    },
    "budget_actions": {
        "budget_action_id": key(),
        "timestamp": EVENT_TIME,
        "campaign_id": A_CAMPAIGN,
        "from_channel_id": A_CHANNEL,
        "to_channel_id": A_CHANNEL,
        "amount": Property(
            "min_value",
            {"below its minimum": -0.01, "nothing": 0, "less than a cent": 0.004},
            (0.01,),
        ),
        "currency": Property(
            "currency_is_an_iso_code",
            {
                "wrong case": "usd",
                "too long": "USDT",
                "not only letters": "US1",
                "trailing space": "US ",
                "blank value": "",
            },
            ("USD", None),
            status="warn",
        ),
        "reason_code": one_of(
            "roi_optimization",
            "risk_mitigation",
            "scale_winner",
            "stop_loss",
            "capacity_constraint",
        ),
        "reason_detail": LABEL,
        "proposed_by": one_of("orchestrator", "human"),
        "approved_by_human": FLAG,
        "approver_id": anything("who it was is the approver's system to know; see rule 4"),
        "approval_latency_minutes": in_range(0, 5_256_000),  # ten years: more is another unit
        "status": one_of("proposed", "approved", "rejected", "executed", "rolled_back"),
    },
    "campaign_risk_signals": {
        "risk_id": key(),
        "timestamp": EVENT_TIME,
        "campaign_id": A_CAMPAIGN,
        "experiment_id": AN_EXPERIMENT,
        "asset_ids": Property(
            "risk_names_existing_assets",
            {
                "dangling reference": ["NOWHERE"],
                "blank reference": ["  "],
                "other key": ["EXP_001"],
            },
            ([],),
        ),
        "risk_type": one_of(
            "brand_safety",
            "policy_violation",
            "low_conversion",
            "high_clicks_zero_conversions",
            "spend_spike",
            "data_quality",
            "segment_mismatch",
        ),
        "severity": one_of("low", "medium", "high", "critical"),
        "evidence": anything("an object of any keys"),
        "recommended_action": one_of(
            "pause",
            "reduce_budget",
            "scale_down",
            "human_review",
            "revise_copy",
            "investigate_tracking",
        ),
        "status": one_of("open", "in_review", "mitigated", "dismissed"),
    },
    "segment_rollups": {
        "rollup_id": key(),
        "window_start": PLANNED,
        "window_end": PLANNED,
        "campaign_id": A_CAMPAIGN,
        "segment_id": A_SEGMENT,
        "impressions": COUNT,
        "clicks": replace(COUNT, good=(0, 1000)),
        "conversions": replace(COUNT, good=(0, 1000)),
        "spend": MONEY,
        "revenue_proxy": MONEY,
        "primary_kpi": Property(
            "rollup_kpi_is_the_kpi_of_its_campaign",
            {"another KPI": "click_through_rate", "unknown value": "unheard_of"},
        ),
        "kpi_value": Property("min_value", {"below its minimum": -0.01}, (0, 1)),
        "trend_vs_prior_window": TREND,
        "recommendation": one_of("scale", "hold", "revise", "stop"),
    },
    "attribution_hints": {
        "hint_id": key(),
        "timestamp": EVENT_TIME,
        "campaign_id": A_CAMPAIGN,
        "channel_id": A_CHANNEL,
        "attributed_conversions": COUNT,
        "method": one_of("first_touch", "last_touch", "assist", "self_reported"),
        "confidence": SHARE,
    },
}

REFERENCE: dict[str, dict[str, Property]] = {
    "risk_severities": {
        "severity": key(),
        "severity_rank": key(),
        "review_minutes": Property(),
        "always_requires_review": Property(),
    },
    "status_transitions": {
        "dataset": Property(),
        "attribute": Property(),
        "from_value": Property(),
        "to_value": Property(),
    },
    "kpi_definitions": {
        "kpi": key(),
        "kpi_label": Property(),
        "numerator": Property(ONE_OF, {"misspelt measure": "clics", "no count": "spend"}),
        "denominator": Property(ONE_OF, {"misspelt measure": "impresions", "no count": "clicks"}),
        "funnel_stage": Property(ONE_OF, {"misspelt stage": "sign_up", "a count": "signup_count"}),
    },
    "risk_concerns": {
        "risk_type": Property(),
        "concern": Property(ONE_OF, {"unknown value": "unheard_of"}),
    },
    "risk_definitions": {
        "definition": key(),
        "risk_type": Property("relationships", {"no such type": "unheard_of"}),
        "severity": Property("relationships", {"no such severity": "unheard_of"}),
        "record_kind": Property(ONE_OF, {"unknown value": "campaign"}),
        "measure": Property(),
        "condition": Property(),
        "limit_value": in_range(0),
        "minimum_sample": COUNT,
        "level": SHARE,
    },
    "rollup_measures": {"measure": key(), "tolerance": Property()},
    "scorecard_metrics": {
        "metric": key(),
        "metric_order": key(),
        "metric_label": Property(),
        "unit": Property(ONE_OF, {"no figure": "verdict"}),
        "target_kind": Property(ONE_OF, {"unknown value": "exactly"}),
        "verdict_without_figure": Property(ONE_OF, {"needs a figure": "on_target"}),
    },
    "evidence_measures": {
        "evidence_key": key(),
        "measure": Property(
            ONE_OF,
            {"misspelt measure": "clics", "stage without _count": "visit", "wrong case": "Clicks"},
        ),
        "tolerance": Property(),
    },
    "contract_rules": {
        "rule": key(),
        "rule_name": key(),
        "kind": Property(ONE_OF, {"unknown value": "unheard_of"}),
        "dataset": Property(),
        "statement": Property(),
    },
    "contract_waivers": {
        "rule": Property("relationships", {"no such rule": 9}),
        "record_key": Property(),
        "approved_by": Property("a_waiver_has_an_approver_and_a_reason", {"blank": " "}),
        "waived_until": Property(),
        "reason": Property("a_waiver_has_an_approver_and_a_reason", {"blank": "\t"}),
    },
    "experiment_designs": {
        "experiment_id": key(),
        "declared_on": Property(
            "declared_end_can_be_relied_on",
            {"once it ran": "2026-03-31"},
            status="warn",
        ),
        "planned_variant_share": Property(
            "planned_share_lies_between_0_and_1",
            {"no variant": 0, "no control": 1, "in percent": 20, "below 0": -0.2},
        ),
        "planned_end_date": Property(),
        "planned_sample": Property("planned_sample_is_above_0", {"nobody": 0, "below 0": -1}),
        "reason": Property(),
    },
}
"""The same of seeds/reference, in which every field is required but for those below."""

MAY_BE_NULL = {
    ("risk_definitions", "limit_value"),
    ("risk_definitions", "minimum_sample"),
    ("risk_definitions", "level"),
    ("kpi_definitions", "funnel_stage"),
    ("scorecard_metrics", "target_kind"),
    ("experiment_designs", "planned_variant_share"),
    ("experiment_designs", "planned_end_date"),
    ("experiment_designs", "planned_sample"),
}

KEYS = {
    dataset: next((name for name, of in fields.items() if of.check == "unique"), "timestamp")
    for dataset, fields in (PROPERTIES | REFERENCE).items()
} | {
    "contract_rules": "rule_name",
    "contract_waivers": "record_key",
    "risk_concerns": "risk_type",
    "status_transitions": "from_value",
}
"""The field that tells a dataset's carriers apart."""

STAGED = {
    ("attribution_hints", "timestamp"): "hinted_at",
    ("audience_segments", "priority"): "segment_priority",
    ("budget_actions", "timestamp"): "proposed_at",
    ("campaign_risk_signals", "timestamp"): "raised_at",
    ("channels", "avg_cost"): "average_cost",
    ("channels", "type"): "channel_type",
    ("experiments", "control_asset"): "control_asset_id",
    ("experiments", "type"): "experiment_type",
    ("experiments", "variant_asset"): "variant_asset_id",
    ("funnel_events", "count"): "event_count",
    ("funnel_events", "date"): "event_date",
    ("funnel_events", "timestamp"): "measured_at",
    ("orchestrator_decisions", "timestamp"): "decided_at",
    ("performance_metrics", "timestamp"): "recorded_at",
}
"""Fields that staging gives another name."""


def staged(dataset: str, field: str) -> str:
    """Return a field's column in staging."""
    return STAGED.get((dataset, field), field)


# ---- Corruptions -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Corruption:
    """A corruption of a carrier, and exactly the checks that must catch it.

    `change` overwrites fields. `same` names fields in which a second fresh record repeats the
    carrier. `is_null` empties the field in the seed, which the converter would refuse. `beside`
    gives further records for a carrier. `says` must be in the message.
    """

    kind: str
    dataset: str
    field: str
    checks: tuple[Check, ...] = ()
    change: Record = field(default_factory=dict)
    same: tuple[str, ...] = ()
    is_null: bool = False
    is_alone: bool = False
    beside: Callable[[Record], Export] = lambda record: {}
    status: str = "fail"
    says: str = ""

    def __str__(self) -> str:
        return f"{self.dataset}.{self.field}: {self.kind} {self.change or ''}"


def corruptions_of_a_key(dataset: str, name: str) -> Iterator[Corruption]:
    """Yield the corruptions of the field that identifies a record."""
    yield Corruption("duplicate key", dataset, name, (("unique", name),), same=(name,))
    for kind, blank in {"blank key": " ", "empty key": "", "key of a tab": "\t"}.items():
        yield Corruption(kind, dataset, name, (REQUIRED,), {name: blank})
    if dataset == "roi_ledger":  # its key is a reference too
        dangling = (("relationships", name),)
        yield Corruption("dangling reference", dataset, name, dangling, {name: "NOWHERE"})


NOT_ALONE: dict[tuple[str, str, str], tuple[Check, ...]] = {
    # A funnel event's date and timestamp move together, or one accuses the other.
    **{
        ("funnel_events", name, kind): (("event_time", other),)
        for name, other in (("date", "timestamp"), ("timestamp", "date"))
        for kind in EVENT_TIME.bad
    },
    # Fewer impressions than none are fewer than the clicks and conversions, which are none.
    ("performance_metrics", "impressions", "below its minimum"): (
        ("performance_clicks_do_not_exceed_impressions", ""),
        ("performance_conversions_do_not_exceed_impressions", ""),
    ),
    ("performance_metrics", "clicks", "below its minimum"): (
        ("performance_conversions_do_not_exceed_clicks", ""),
    ),
    ("segment_rollups", "impressions", "below its minimum"): (
        ("rollup_clicks_do_not_exceed_impressions", ""),
        ("rollup_conversions_do_not_exceed_impressions", ""),
    ),
    **{
        ("performance_metrics", "conversion_rate", kind): (
            ("performance_conversion_rate_adds_up", ""),
        )
        for kind in MONEY.bad
    },
    **{
        ("roi_ledger", name, "below its minimum"): (("net_roi_adds_up_to_the_cent", ""),)
        for name in ("llm_cost", "human_review_cost", "media_spend", "estimated_value")
    },
}
"""Further checks that what breaks a field breaks by the way."""


def whole_day(dataset: str, change: Record) -> Record:
    """Return a change with the other half of a funnel event's time in step."""
    if dataset != "funnel_events" or not change.keys() & {"date", "timestamp"}:
        return change
    at = change.get("timestamp") or change["date"]
    moment = datetime.fromisoformat(at).replace(tzinfo=None)
    return {"timestamp": moment.isoformat(), "date": moment.date().isoformat()}


def corruptions_of_a_field(dataset: str, name: str, of: Property) -> Iterator[Corruption]:
    """Yield the corruptions of a field that does not identify a record."""
    for kind, value in of.bad.items():
        yield Corruption(
            kind,
            dataset,
            name,
            (
                ("max_value" if kind == ABOVE else of.check, name),
                *NOT_ALONE.get((dataset, name, kind), ()),
            ),
            whole_day(dataset, {name: value}),
            status=of.status,
            says=shown(value) if isinstance(value, str) and of.check != "event_time" else "",
        )


NEVER_MISSING = {
    dataset: {name for name, of in fields.items() if of.check == "unique"}
    for dataset, fields in PROPERTIES.items()
} | {"performance_metrics": {"asset_id"}}
"""The fields with a not_null of their own: keys, and the asset of a record that has none."""


def nulls(dataset: str, required: Iterable[str], mentions: dict[str, set[str]]) -> list[Corruption]:
    """Return a dataset's required fields set to null.

    Args:
        dataset: The dataset.
        required: Its fields that may not be null.
        mentions: The named tests of its expressions, by field; in them a null is not true.

    """
    return [
        Corruption(
            "null",
            dataset,
            name,
            (
                *([("not_null", name)] if name in NEVER_MISSING[dataset] else ()),
                REQUIRED,
                *((test, "") for test in sorted(mentions.get(name, ()))),
            ),
            is_null=True,
        )
        for name in required
    ]


def fact(where: str, checks: str, change: Record, status: str = "fail") -> Corruption:
    """Return a record whose fields are right one by one, and don't go together."""
    dataset, name = where.split(".")
    tests = tuple((test, "") for test in checks.split())
    return Corruption("broken fact", dataset, name, tests, change, status=status)


MORE_CONVERSIONS = "performance_conversions_do_not_exceed"
ADDS_UP = "performance_conversion_rate_adds_up"
OF_ITS_CAMPAIGN = "risk_names_what_belongs_to_its_campaign"
BACKWARDS = {"start_date": "2026-03-02", "end_date": "2026-03-01"}

FACTS = [
    fact("campaigns.end_date", "campaign_ends_on_or_after_its_start", BACKWARDS),
    fact("experiments.end_date", "experiment_ends_on_or_after_its_start", BACKWARDS),
    fact(
        "experiments.end_date",
        "completed_experiment_has_an_end_date",
        {"status": "completed", "end_date": None},
        "warn",
    ),
    fact(
        "segment_rollups.window_end",
        "rollup_window_ends_on_or_after_its_start",
        {"window_start": "9999-12-31"},
    ),
    *(
        fact(f"segment_rollups.{name}", f"rollup_{name}_do_not_exceed_impressions", {name: 100_001})
        for name in ("clicks", "conversions")
    ),
    fact(
        "performance_metrics.clicks",
        "performance_clicks_do_not_exceed_impressions",
        {"clicks": 100_001},
        "warn",
    ),
    fact(
        "performance_metrics.conversions",
        f"{MORE_CONVERSIONS}_impressions {MORE_CONVERSIONS}_clicks",
        {"conversions": 100_001, "conversion_rate": 1},
        "warn",
    ),
    fact(
        "performance_metrics.conversions", f"{MORE_CONVERSIONS}_clicks", {"conversions": 1}, "warn"
    ),
    *(
        fact("performance_metrics.conversion_rate", ADDS_UP, change, "warn")
        for change in ({"conversion_rate": 0.001}, {"impressions": 0, "conversion_rate": 0.5})
    ),
    *(
        fact("roi_ledger.net_roi", "net_roi_adds_up_to_the_cent", change)
        for change in ({"net_roi": 0.01}, {"net_roi": -0.01}, {"estimated_value": 1})
    ),
    *(
        fact("funnel_events.date", "funnel_date_agrees_with_timestamp", {"timestamp": timestamp})
        for timestamp in ("2009-12-31T23:59:59", "2009-12-31T22:00:00-01:00")
    ),
    *(
        fact(
            f"campaign_risk_signals.{name}",
            OF_ITS_CAMPAIGN,
            {"campaign_id": "CAMP_001", name: value},
            "warn",
        )
        for name, value in (("asset_ids", ["ASSET_001", "ASSET_005"]), ("experiment_id", "EXP_003"))
    ),
    # Grains. Nulls are equal to each other.
    *(
        Corruption(f"broken grain{how}", dataset, grain[-1], (GRAIN,), change, same=grain)
        for dataset, grain, how, change in (
            ("segment_rollups", ("campaign_id", "segment_id", "window_end"), "", {}),
            ("performance_metrics", ("asset_id", "experiment_id", "timestamp"), "", {}),
            (
                "performance_metrics",
                ("asset_id", "experiment_id", "timestamp"),
                " outside any experiment",
                {"experiment_id": None},
            ),
        )
    ),
]


def of_every_field() -> list[Corruption]:
    """Return the corruptions of an export that the converter accepts."""
    found: list[Corruption] = []
    for dataset, fields in PROPERTIES.items():
        for name, of in fields.items():
            if of.check == "unique":
                found += corruptions_of_a_key(dataset, name)
            else:
                found += corruptions_of_a_field(dataset, name, of)
    return found + FACTS


def of_the_reference() -> list[Corruption]:
    """Return the corruptions of seeds/reference."""
    found: list[Corruption] = []
    for seed, fields in REFERENCE.items():
        # A measure of no name that is known is wrong whatever else is.
        also: tuple[Check, ...] = ((ONE_OF, "measure"),) if seed == "rollup_measures" else ()
        if also:
            found.append(Corruption("unknown value", seed, "measure", also))
        for name, of in fields.items():
            checks: tuple[Check, ...] = (("not_null", name),)
            if of.check.startswith("a_waiver"):
                checks += ((of.check, name),)
            elif name != "measure":  # a null is no value that could be unknown
                checks += also
            if (seed, name) not in MAY_BE_NULL:
                found.append(Corruption("null", seed, name, checks, {name: None}))
            if of.check == "unique":
                checks = (("unique", name), *also)
                found.append(Corruption("duplicate key", seed, name, checks, same=(name,)))
            else:
                found += corruptions_of_a_field(seed, name, of)
    dangling = (("relationships", "experiment_id"),)
    unknown = {"experiment_id": "NOWHERE"}
    found.append(
        Corruption("dangling reference", "experiment_designs", "experiment_id", dangling, unknown)
    )
    grains = {
        "contract_waivers": ("rule", "record_key"),
        "status_transitions": ("dataset", "attribute", "from_value", "to_value"),
        "risk_concerns": ("risk_type", "concern"),
    }
    for seed, grain in grains.items():
        found.append(Corruption("broken grain", seed, grain[-1], (GRAIN,), same=grain))
    return found


# ---- The five rules --------------------------------------------------------------------------


def breach(test: str, dataset: str, name: str, says: str, **change: object) -> Corruption:
    """Return a carrier that breaks a rule of the contract."""
    return Corruption("broken rule", dataset, name, ((test, ""),), change, says=says)


RULE_1, RULE_2, RULE_3, RULE_4, RULE_5 = RULES = (
    "rule_1_campaigns_have_an_experiment",
    "rule_2_experiments_compare_two_assets",
    "rule_3_performance_is_a_unique_snapshot",
    "rule_4_money_moves_with_approval",
    "rule_5_risks_are_reviewed_in_time",
)

PLACE_AND_STAGE = ("campaign_id", "segment_id", "channel_id", "stage")
COUNTED_ONCE = (("funnel_stages_are_counted_once", ""),)

STRUCTURAL = [
    # A date that is absent is the timestamp's. This is seen where days are summed, not in staging.
    Corruption(
        "broken grain",
        "funnel_events",
        "stage",
        COUNTED_ONCE,
        same=(*PLACE_AND_STAGE, "timestamp", "date"),
    ),
    Corruption(
        "broken grain without a date",
        "funnel_events",
        "stage",
        COUNTED_ONCE,
        {"date": None},
        same=(*PLACE_AND_STAGE, "timestamp"),
    ),
    replace(breach(RULE_1, "campaigns", "", "campaign has no experiment"), is_alone=True),
    *(
        breach(RULE_2, "experiments", "", says, **change)
        for says, change in (
            ("control and variant are the same asset, ASSET_001", {"variant_asset": "ASSET_001"}),
            ("control ASSET_005 belongs to CAMP_002", {"control_asset": "ASSET_005"}),
            ("variant ASSET_005 belongs to CAMP_002", {"variant_asset": "ASSET_005"}),
            ("control ASSET_001 belongs to CAMP_001", {"campaign_id": "CAMP_002"}),
        )
    ),
    *(
        breach(RULE_3, "performance_metrics", "", f"does not compare {asset}", asset_id=asset)
        for asset in ("ASSET_007", "ASSET_001")  # of the experiment's campaign, and of another
    ),
]

UNAPPROVED = {"approved_by_human": False, "approver_id": None, "approval_latency_minutes": None}
NEEDS_APPROVAL = (
    {"amount": 1000},
    {"amount": 999.995},  # a thousand, in whole cents
    {"amount": 1000, "currency": None},
    {"amount": 0.01, "currency": "EUR"},  # a currency that the policy does not list
)
NEEDS_NONE = ({"amount": 999.99}, {"amount": 999.994}, {"amount": 999.99, "currency": None})
MINUTES = {"critical": 60, "high": 240, "medium": 1440, "low": 4320}
RAISED_AT = datetime(2026, 3, 10, 12)


def reviewed(minutes: int) -> Callable[[Record], Export]:
    """Return a person's decision so many minutes after a signal."""
    at = (RAISED_AT + timedelta(minutes=minutes)).isoformat()

    def decision(signal: Record) -> Export:
        words = {"trigger": "A signal", "action_taken": "Reviewed it", "confidence_score": 1}
        own = {"decision_id": f"{signal['risk_id']}-D", "campaign_id": signal["campaign_id"]}
        return {"orchestrator_decisions": [own | words | {"human_override": True, "timestamp": at}]}

    return decision


def signal(severity: str, status: str) -> Record:
    """Return the changes that make a signal require review."""
    return {"severity": severity, "status": status, "recommended_action": "human_review"}


GOVERNANCE = [
    *(
        breach(RULE_4, "budget_actions", "", says, **amount, **change)
        for amount in NEEDS_APPROVAL
        for says, change in (
            *(
                (f"{status} without approval by a person", UNAPPROVED | {"status": status})
                for status in ("approved", "executed", "rolled_back")
            ),
            *(
                ("approved without an approver", {"approver_id": nobody})
                for nobody in (None, "", " ", "\t")
            ),
            ("approved without a latency", {"approval_latency_minutes": None}),
        )
    ),
    *(
        replace(
            breach(
                RULE_5,
                "campaign_risk_signals",
                "",
                f"severity {severity}: due {due.isoformat()}, {says}",
                **signal(severity, status),
            ),
            beside=beside,
        )
        for severity, minutes in MINUTES.items()
        for due in [RAISED_AT + timedelta(minutes=minutes)]
        for status in ("open", "in_review")
        for says, beside in (
            ("not reviewed yet", lambda record: {}),
            ("reviewed ", reviewed(minutes + 1)),
            ("not reviewed yet", reviewed(-1)),  # before there was a signal
        )
    ),
]

WITHIN_THE_RULES = [
    *(
        Corruption("within rule 4", "budget_actions", "", change=UNAPPROVED | change)
        for change in (
            *({"status": "executed"} | amount for amount in NEEDS_NONE),
            *(
                {"status": status} | amount
                for status in ("proposed", "rejected")
                for amount in NEEDS_APPROVAL
            ),
        )
    ),
    *(
        Corruption(
            "within rule 5",
            "campaign_risk_signals",
            "",
            change=signal(severity, "open"),
            beside=reviewed(after),
        )
        for severity, minutes in MINUTES.items()
        for after in (0, minutes)
    ),
    Corruption(
        "within rule 5",
        "campaign_risk_signals",
        "",
        change={"severity": "medium", "status": "open", "recommended_action": "pause"},
    ),
]


def edges() -> list[Corruption]:
    """Return valid values at the edge: every value of a list, and every bound."""
    twice = {"campaign_id": "CAMP_001", "asset_ids": ["ASSET_001", "ASSET_001"]}
    completed = {"status": "completed", "end_date": "2026-03-31"}
    return [
        Corruption("at its edge", "campaign_risk_signals", "asset_ids", change=twice),
        Corruption("at its edge", "experiments", "status", change=completed),
        *(
            Corruption("at its edge", dataset, name, change=whole_day(dataset, {name: value}))
            for dataset, fields in PROPERTIES.items()
            for name, of in fields.items()
            for value in of.good
        ),
    ]


# ---- Carriers --------------------------------------------------------------------------------


class Clones:
    """An export that grows by fresh records, each with its own key and grain."""

    def __init__(self, export: Export) -> None:
        self.export = copy.deepcopy(export)
        self.templates = {dataset: records[0] for dataset, records in self.export.items()}
        self.count = 0
        self.nulls: set[tuple[str, str, str]] = set()

    def fresh(self, dataset: str) -> tuple[Record, Export]:
        """Return a valid record, and the other records that it needs."""
        self.count += 1
        name, number = f"X{self.count:04}", self.count
        record = copy.deepcopy(self.templates.get(dataset, {})) | {KEYS[dataset]: name}
        day = date(2010, 1, 1) + timedelta(days=number)
        needs: Export = {}
        if dataset in ("campaigns", "roi_ledger", "campaign_risk_signals", "experiment_designs"):
            needs = self.campaign(name, of=self.templates["campaigns"])
        match dataset:
            case "campaigns":
                del needs["campaigns"]
            case "performance_metrics":
                at = datetime(2026, 3, 1) + timedelta(minutes=number)
                record |= {"asset_id": "ASSET_005", "experiment_id": "EXP_003"}
                record |= {"timestamp": at.isoformat(), "impressions": 100_000, "clicks": 0}
                record |= {"conversions": 0, "conversion_rate": 0, "cost": 0, "revenue_proxy": 0}
            case "roi_ledger":
                record |= dict.fromkeys(record.keys() - {"campaign_id"}, 0)
            case "funnel_events":
                record |= {"timestamp": f"{day}T00:00:00", "date": day.isoformat()}
            case "segment_rollups":
                record |= {"window_start": "2010-01-01", "window_end": day.isoformat()}
                record |= {"impressions": 100_000, "clicks": 0, "conversions": 0}
            case "budget_actions":
                record |= {"amount": 999.99}
            case "campaign_risk_signals":
                # A campaign of its own: no decision reviews it by chance.
                record |= {"campaign_id": name, "experiment_id": None, "asset_ids": []}
                record |= {"timestamp": "2026-03-10T12:00:00", "status": "dismissed"}
                record |= {"severity": "low", "recommended_action": "investigate_tracking"}
            case "risk_severities":
                record |= {"severity_rank": number, "review_minutes": 60}
                record |= {"always_requires_review": True}
            case "status_transitions":
                record |= {"dataset": "campaigns", "attribute": "status", "to_value": "active"}
            case "kpi_definitions":
                record |= {"kpi_label": name, "numerator": "clicks", "denominator": "impressions"}
                record |= {"funnel_stage": None}
            case "risk_concerns":
                record |= {"concern": "data"}
            case "risk_definitions":
                record |= {"risk_type": "data_quality", "severity": "low", "record_kind": "asset"}
                record |= {"measure": name, "condition": name, "level": 0.01}
                record |= {"limit_value": 1, "minimum_sample": 1}
            case "rollup_measures":
                record |= {"tolerance": 0}
            case "scorecard_metrics":
                record |= {"metric_order": number + 14, "metric_label": name, "unit": "share"}
                record |= {"target_kind": None, "verdict_without_figure": "informational"}
            case "evidence_measures":
                record |= {"measure": "clicks", "tolerance": 0}
            case "contract_rules":
                record |= {"rule": number + 5, "kind": "structural", "dataset": "campaigns"}
                record |= {"statement": name}
            case "contract_waivers":
                record |= {"rule": 4, "approved_by": "Ada Lovelace", "waived_until": "2026-12-31"}
                record |= {"reason": "Agreed by telephone"}
            case "experiment_designs":
                record |= {"experiment_id": f"{name}-E", "declared_on": "2010-01-01"}
                record |= {"planned_variant_share": 0.2, "planned_end_date": "2026-03-31"}
                record |= {"planned_sample": 1000, "reason": "Little stock"}
        return record, needs

    def campaign(self, name: str, of: Record) -> Export:
        """Return a campaign with what it needs: an experiment that compares two assets."""
        arms = {"control_asset": f"{name}-A", "variant_asset": f"{name}-B"}
        own = {"campaign_id": name}
        experiment, asset = self.templates["experiments"], self.templates["creative_assets"]
        return {
            "campaigns": [of | own],
            "experiments": [experiment | own | {"experiment_id": f"{name}-E"} | arms],
            "creative_assets": [asset | own | {"asset_id": arm} for arm in arms.values()],
        }

    def add(self, records: Export) -> None:
        """Add records to the export."""
        for dataset, added in records.items():
            self.export.setdefault(dataset, []).extend(added)

    def carry(self, corruption: Corruption, spoil: bool) -> set[str | None]:
        """Add a carrier of a corruption, spoiled or still right; return the keys to be accused.

        What `is_null` is noted in `self.nulls`: dataset, key, field.
        """
        dataset, identity = corruption.dataset, KEYS[corruption.dataset]
        carrier, needs = self.fresh(dataset)
        if not spoil:
            self.add({dataset: [carrier]})
            self.add(needs)
            return set()
        records = [(carrier | corruption.change, needs)]
        carrier = records[0][0]
        accused = {carrier[identity]}
        if corruption.same:
            second, needs = self.fresh(dataset)
            second |= corruption.change | {name: carrier[name] for name in corruption.same}
            records.append((second, needs))
            accused.add(second[identity])
        if corruption.is_null:
            self.nulls.add((dataset, carrier[identity], corruption.field))
            accused = {None if corruption.field == identity else carrier[identity]}
        is_nameless = corruption.is_null and corruption.field == identity == "campaign_id"
        for record, needs in records:
            self.add({dataset: [record]})
            # Whose key is spoiled needs nothing: it would refer to no one.
            is_referred_to = any(
                record.get(name) == one[name]
                for one in needs.get("experiments", [])
                for name in ("campaign_id", "experiment_id")
            )
            if is_referred_to and not is_nameless and not corruption.is_alone:
                self.add(needs)
        self.add(corruption.beside(carrier))
        return accused
