"""Read the declared datasets, with their fields and types."""

from dataclasses import dataclass

import yaml

from warehouse.seeds.errors import ConversionError
from warehouse.seeds.values import CONVERTERS
from warehouse.system.paths import PROJECT

DECLARED_IN = "seeds/orchestrator/_orchestrator__seeds.yml"


@dataclass(frozen=True)
class Field:
    """A declared field."""

    name: str
    type: str
    nullable: bool
    optional: bool


@dataclass(frozen=True)
class Dataset:
    """A declared dataset.

    `id_field` names a record in messages. The first of `day_fields` that is given has the day of a
    record; a dataset that is not stored by day has none.
    """

    name: str
    fields: tuple[Field, ...]
    id_field: str | None
    optional: bool
    day_fields: tuple[str, ...]


def read_declaration() -> dict[str, Dataset]:
    """Return the declared datasets by name, in their declared order."""
    try:
        seeds = yaml.safe_load((PROJECT / DECLARED_IN).read_text(encoding="utf-8"))["seeds"]
        datasets = [declared_dataset(seed) for seed in seeds]
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError, AttributeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConversionError([f"{DECLARED_IN} can't be used: {reason}"]) from None
    return {dataset.name: dataset for dataset in datasets}


def declared_dataset(seed: dict) -> Dataset:
    """Return the dataset that a seed's YAML declares."""
    fields = []
    for column in seed["columns"]:
        meta = column["config"]["meta"]
        if meta["type"] not in CONVERTERS:
            raise ValueError(f"{seed['name']}.{column['name']} has the type {meta['type']!r}")
        nullable, optional = meta.get("nullable", False), meta.get("optional", False)
        fields.append(Field(column["name"], meta["type"], nullable, optional))
    meta = seed.get("config", {}).get("meta", {})
    name = seed["name"].removeprefix("raw_")
    days = tuple(meta.get("day_fields", ()))
    return Dataset(name, tuple(fields), meta.get("id"), meta.get("optional", False), days)
