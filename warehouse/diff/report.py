"""Report what changed: as text, or as Markdown for a pull request."""

import re
from collections.abc import Callable, Iterable

from warehouse.diff.compare import ORIGIN, Diff, MartDiff
from warehouse.system.words import counted, value_text

MAX_COMMENT = 65_536  # characters, of a comment on GitHub
MAX_BREAKING = 100  # sentences; those of a whole domain that is gone
UNANNOUNCED = "Marts, columns or types changed, and CHANGELOG.md did not: say there what changed."


def text(diff: Diff) -> str:
    """Return the report for a terminal."""
    lines = [*heading(diff), ""]
    if diff.breaking:
        lines += [f"Breaks readers ({len(diff.breaking)}):"]
        lines += [f"  {one}." for one in diff.breaking] + [""]
    if diff.is_unannounced:
        lines += [UNANNOUNCED, ""]
    for mart in diff.marts:
        lines += [summary(mart), *(f"  {line}" for line in details(mart)), ""]
    lines += [f"{name} is new: {counted(rows, 'row')}." for name, rows in diff.added.items()]
    lines += [f"{name} is gone: {counted(rows, 'row')}." for name, rows in diff.gone.items()]
    lines.append(verdict(diff))
    return "\n".join(lines)


def heading(diff: Diff) -> list[str]:
    """Return what is compared with what."""
    return [
        f"{label}: {side.name}, as of {as_of}"
        for label, side, as_of in zip(
            ("Base", "Head"), (diff.base, diff.head), diff.as_of, strict=True
        )
    ]


def verdict(diff: Diff) -> str:
    """Return the sum of it in a sentence."""
    parts = [
        f"{counted(len(diff.marts), 'mart')} changed",
        f"{len(diff.added)} added",
        f"{len(diff.gone)} gone",
        f"{diff.same} the same",
    ]
    return ", ".join(parts) + "."


def summary(mart: MartDiff) -> str:
    """Return a mart with how many of its rows changed."""
    if mart.name == ORIGIN:
        return f"{mart.name}: what the marts were made from differs"
    by = f", by {', '.join(mart.key)}" if mart.key else ""
    rows = f"{mart.rows[0]:,} rows before, {mart.rows[1]:,} after"
    changes = f"{mart.added:,} added, {mart.gone:,} gone, {mart.changed:,} changed"
    return f"{mart.name}{by}: {rows}; {changes}"


def details(mart: MartDiff, show: Callable[[str], str] = str) -> list[str]:
    """Return what changed in a mart, a line for each thing; `show` formats names and values."""

    def listed(names: Iterable[str]) -> str:
        return ", ".join(map(show, names))

    def row(key: tuple) -> str:
        return show(", ".join(map(value_text, key)))

    if mart.name == ORIGIN and not mart.has_another_interface:
        return [f"columns that differ: {listed(one.name for one in mart.columns)}"]
    lines = [f"rows are compared as a whole: {show(mart.note)}"] if mart.note else []
    if mart.columns_added:
        lines.append(f"columns added: {listed(mart.columns_added)}")
    if mart.columns_gone:
        lines.append(f"columns gone: {listed(mart.columns_gone)}")
    for name, (before, after) in mart.types.items():
        lines.append(f"{show(name)}: type {show(before)} → {show(after)}; values not compared")
    for word, examples in (("added", mart.added_examples), ("gone", mart.gone_examples)):
        if examples:
            lines.append(f"{word}, for example: {'; '.join(map(row, examples))}")
    for column in mart.columns:
        examples = "; ".join(
            f"{row(key)}: {show(value_text(before))} → {show(value_text(after))}"
            for key, before, after in column.examples
        )
        lines.append(f"{show(column.name)} changed in {counted(column.rows, 'row')}. {examples}")
    return lines


# ---- Markdown -------------------------------------------------------------------------------


def markdown(diff: Diff) -> str:
    """Return the report for a comment on a pull request, cut where that would be too long."""
    breaking = diff.breaking
    head = ["## What changes in the marts", "", verdict(diff), ""]
    head += [f"{code(line)}  " for line in heading(diff)] + [""]
    if breaking:
        head += [f"### Breaks readers ({len(breaking)})", ""]
        head += [f"- {code(one)}" for one in breaking[:MAX_BREAKING]]
        head += [f"- and {len(breaking) - MAX_BREAKING:,} more"] * (len(breaking) > MAX_BREAKING)
        head.append("")
    if diff.is_unannounced:
        head += [f"**{UNANNOUNCED}**", ""]
    rows = [
        f"| {code(one.name)} | {one.rows[0]:,} | {one.rows[1]:,}"
        f" | {one.added:,} | {one.gone:,} | {one.changed:,} |"
        for one in diff.marts
    ]
    rows += [f"| {code(name)}, new | | {rows:,} | | | |" for name, rows in diff.added.items()]
    rows += [f"| {code(name)}, gone | {rows:,} | | | | |" for name, rows in diff.gone.items()]
    if rows:
        head += ["| mart | rows before | after | added | gone | changed |"]
        head += ["| --- | ---: | ---: | ---: | ---: | ---: |", *rows, ""]
    blocks = [
        "\n".join(
            [
                f"<details><summary>{code(mart.name)}</summary>",
                "",
                *(f"- {line}" for line in details(mart, code)),
                "",
                "</details>",
                "",
            ]
        )
        for mart in diff.marts
    ]
    cut = f"\nThe rest is too long for a comment: `warehouse diff {diff.base.name}` shows it.\n"
    return within(MAX_COMMENT, ["\n".join(head) + "\n", *blocks], cut)


def within(limit: int, blocks: list[str], cut: str) -> str:
    """Return as many whole blocks as a limit has room for, and say where some are left out."""
    text = "".join(blocks)
    while len(text) > limit and blocks:
        blocks = blocks[:-1]
        text = "".join(blocks) + cut
    return text


def code(value: str) -> str:
    """Return a text as code, in which nothing is Markdown, HTML or a mention of somebody."""
    escaped = re.sub(r"[^\w\s.,:;()/→+-]|(?<!\w)_|_(?!\w)", lambda one: f"&#{ord(one[0])};", value)
    return f"<code>{escaped}</code>"
