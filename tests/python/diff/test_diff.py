"""What `warehouse diff` finds is what plain Python finds in the rows of both files.

dbt runs only where a commit is built, or the YAML of a mart is edited.
"""

import datetime
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml
from click.testing import CliRunner
from helpers.builds import Workspace
from helpers.project import FASTEST, copy_project
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import publish
from warehouse.cli import main
from warehouse.diff import report, sides
from warehouse.diff.compare import Diff, MartDiff, Side, compare

BUILD = (
    "create schema marts; create table marts.warehouse_build as"
    " select timestamp '2026-03-19 18:00:00' as as_of, true as covers_all_events"
)
Tables = dict[str, tuple[dict[str, str], list[tuple]]]  # types of columns, and rows


def written(file: Path, tables: Tables) -> Path:
    """Write a published file."""
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as connection:
        connection.execute(BUILD)
        for name, (columns, rows) in tables.items():
            types = ", ".join(f'"{column}" {type_}' for column, type_ in columns.items())
            connection.execute(f'create table marts."{name}" ({types})')
            if rows:
                marks = ", ".join("?" * len(columns))
                connection.executemany(f'insert into marts."{name}" values ({marks})', rows)
    return file


def compared(
    folder: Path, before: Tables, after: Tables, base: dict | None = None, head: dict | None = None
) -> Diff:
    """Compare two files of these tables; what is known of their marts comes besides."""
    return compare(
        Side("base", written(folder / "base.duckdb", before), **(base or {})),
        Side("head", written(folder / "head.duckdb", after), **(head or base or {})),
    )


# ---- An oracle in plain Python ---------------------------------------------------------------

VALUES = {
    "varchar": st.sampled_from(["a", "b", "", "A|b\n<c>", None]),
    "integer": st.sampled_from([0, 1, 2, None]),
    "double": st.sampled_from([0.0, -0.0, 1.5, math.nan, math.inf, None]),
    "decimal(18,2)": st.sampled_from([Decimal("0.00"), Decimal("12.50"), None]),
    "date": st.sampled_from([datetime.date(2026, 3, 1), datetime.date(2026, 3, 2), None]),
    "boolean": st.sampled_from([True, False, None]),
}
KEYS = ("k1", "k2")


@st.composite
def marts(draw: st.DrawFn) -> tuple[dict[str, str], list[tuple]]:
    """Draw a mart's columns, in any order, and its rows; keys may repeat and be null."""
    kinds = st.sampled_from(sorted(VALUES))
    columns = {name: draw(kinds) for name in draw(st.sets(st.sampled_from("vwxyz"), max_size=4))}
    columns |= {"k1": "varchar", "k2": draw(st.sampled_from(["integer", "integer", "varchar"]))}
    columns = dict(draw(st.permutations(list(columns.items()))))
    rows = draw(st.lists(st.tuples(*(VALUES[type_] for type_ in columns.values())), max_size=8))
    return columns, rows


def comparable(value: object) -> object:
    """Return a value that equals itself also where it is no number."""
    return "not a number" if isinstance(value, float) and math.isnan(value) else value


def expected(
    before: tuple[dict[str, str], list[tuple]], after: tuple[dict[str, str], list[tuple]]
) -> dict[str, object]:
    """Return what a comparison should find."""
    (old, old_rows), (new, new_rows) = before, after
    same = [name for name in old if new.get(name) == old[name]]
    changed_types = {name for name in old if name in new and new[name] != old[name]}

    def keyed(columns: dict[str, str], rows: list[tuple]) -> list[tuple[tuple, dict]]:
        records = [dict(zip(columns, map(comparable, row), strict=True)) for row in rows]
        return [
            (
                tuple(
                    str(one[name]) if name in changed_types and one[name] is not None else one[name]
                    for name in KEYS
                ),
                {name: one[name] for name in same},
            )
            for one in records
        ]

    olds, news = keyed(old, old_rows), keyed(new, new_rows)
    found = {
        "columns_gone": sorted(old.keys() - new.keys()),
        "columns_added": sorted(new.keys() - old.keys()),
        "types": sorted(changed_types),
    }
    whole = [
        Counter(tuple(values[name] for name in same) for _, values in one) for one in (olds, news)
    ]
    is_unique = all(len(dict(one)) == len(one) for one in (olds, news))
    if whole[0] == whole[1]:
        return found | {"added": 0, "gone": 0, "changed": 0, "columns": {}}
    if not is_unique:
        added, gone = whole[1] - whole[0], whole[0] - whole[1]
        figures = {"added": added.total(), "gone": gone.total(), "changed": 0, "columns": {}}
        return found | figures
    olds, news = dict(olds), dict(news)
    both = olds.keys() & news.keys()
    columns = Counter(name for key in both for name in same if olds[key][name] != news[key][name])
    return found | {
        "added": len(news.keys() - olds.keys()),
        "gone": len(olds.keys() - news.keys()),
        "changed": sum(olds[key] != news[key] for key in both),
        "columns": dict(columns),
    }


@settings(max_examples=60)
@given(before=marts(), after=marts(), is_alike=st.booleans(), data=st.data())
def test_it_finds_what_plain_python_finds(
    tmp_path_factory: pytest.TempPathFactory,
    before: tuple[dict[str, str], list[tuple]],
    after: tuple[dict[str, str], list[tuple]],
    is_alike: bool,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    if is_alike:  # as most are: the same columns, rows the same, gone, new, or with other values
        columns, rows = before
        drawn = st.tuples(*(VALUES[type_] for type_ in columns.values()))
        kept = [row for row in rows if data.draw(st.integers(0, 3))]
        others = [data.draw(drawn) if data.draw(st.booleans()) else row for row in kept]
        kept = [
            tuple(row[one] if name in KEYS else other[one] for one, name in enumerate(columns))
            for row, other in zip(kept, others, strict=True)
        ]
        after = (columns, kept + data.draw(st.lists(drawn, max_size=2)))
    found = compared(folder, {"m": before}, {"m": after}, {"keys": {"m": KEYS}})
    wanted = expected(before, after)
    mart = found.marts[0] if found.marts else MartDiff("m", KEYS)
    assert wanted == {
        "columns_gone": sorted(mart.columns_gone),
        "columns_added": sorted(mart.columns_added),
        "types": sorted(mart.types),
        "added": mart.added,
        "gone": mart.gone,
        "changed": mart.changed,
        "columns": {column.name: column.rows for column in mart.columns},
    }
    assert bool(found.breaking) == bool(wanted["columns_gone"] or wanted["types"])
    assert found.same == 1 + (not found.marts)
    for column in mart.columns:
        old, new = (
            [dict(zip(one[0], row, strict=True)) for row in one[1]] for one in (before, after)
        )
        for key, old_value, new_value in column.examples:
            for rows, value in ((old, old_value), (new, new_value)):
                (row,) = (one for one in rows if key_text(one) == tuple(map(str, key)))
                assert comparable(row[column.name]) == comparable(value)


def key_text(row: dict[str, object]) -> tuple[str, ...]:
    """Return the key of a row as texts: a key of two types is compared as such."""
    return tuple(str(row[name]) for name in KEYS)


# ---- What breaks readers ---------------------------------------------------------------------

ROWS = [("A", 1, Decimal("1.00")), ("B", 2, None)]
COLUMNS = {"id": "varchar", "rank": "integer", "amount": "decimal(18,2)"}
MART: Tables = {"m": (COLUMNS, ROWS)}
BREAKING = {
    "a mart is gone": ({}, {}, ["m is gone"]),
    "a column is gone": (
        {"m": ({"id": "varchar", "rank": "integer"}, [("A", 1), ("B", 2)])},
        {},
        ["m.amount is gone"],
    ),
    "a type is wider": (
        {"m": (COLUMNS | {"amount": "decimal(18,4)"}, ROWS)},
        {},
        ["m.amount is DECIMAL(18,4); it was DECIMAL(18,2)"],
    ),
    "the key is another": (
        MART,
        {"keys": {"m": ("id", "rank")}},
        ["m has one row per id, rank; it was one per id"],
    ),
    "a column is new": (
        {"m": (COLUMNS | {"more": "date"}, [(*row, None) for row in ROWS])},
        {},
        [],
    ),
    "rows are others": ({"m": (COLUMNS, ROWS[:1])}, {}, []),
    "a mart is new": ({**MART, "n": MART["m"]}, {}, []),
}


@pytest.mark.parametrize("change", BREAKING)
def test_what_breaks_readers(tmp_path: Path, change: str) -> None:
    after, known, sentences = BREAKING[change]
    head = {"keys": {"m": ("id",)}} | known
    found = compared(tmp_path, MART, after, {"keys": {"m": ("id",)}}, head)
    assert found.breaking == sentences
    is_noticed = change != "rows are others"
    for log, is_unannounced in (("old", is_noticed), ("new", False)):
        logs = {"changelog": "old"}, head | {"changelog": log}
        assert (
            compared(
                tmp_path, MART, after, {"keys": {"m": ("id",)}} | logs[0], logs[1]
            ).is_unannounced
            == is_unannounced
        )


def test_a_mart_may_go_when_its_deprecation_date_has_come(tmp_path: Path) -> None:
    found = compared(tmp_path, MART, {}, {"outlived": {"m"}, "changelog": "old"})
    assert (list(found.gone), found.breaking) == (["m"], [])
    assert found.is_unannounced


def test_keys_that_repeat_and_marts_without_any_are_said(tmp_path: Path) -> None:
    before: Tables = {"m": (COLUMNS, [*ROWS, ROWS[0]])}
    found = compared(tmp_path, before, MART, {"keys": {"m": ("id",)}})
    assert (found.marts[0].gone, found.marts[0].changed) == (1, 0)
    assert "1 of its keys stand more than once in the base" in report.text(found)
    assert "no key of it is known" in report.text(compared(tmp_path, before, MART))


# ---- The command -----------------------------------------------------------------------------


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the command; return its exit code and what it said."""
    done = CliRunner().invoke(main, ["diff", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_exit_codes(tmp_path: Path) -> None:
    base = written(tmp_path / "base.duckdb", MART)
    same = Path(shutil.copy(base, tmp_path / "same.duckdb"))
    gone = written(tmp_path / "gone.duckdb", {})
    assert run(base, same)[0] == 0
    assert run(base, gone)[0] == 1
    assert run(gone, base)[0] == 0
    (tmp_path / "CHANGELOG.md").write_text("old")
    code, said, _ = run(gone, base)
    assert (code, report.UNANNOUNCED in said) == (1, True)


def test_what_cannot_be_compared_is_said_in_a_sentence(tmp_path: Path) -> None:
    base = written(tmp_path / "base.duckdb", MART)
    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(b"no database")
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    view = written(tmp_path / "view.duckdb", {})
    with duckdb.connect(str(view)) as connection:
        connection.execute("create view marts.m as select * from view.marts.warehouse_build")
    broken_off = Path(shutil.copy(base, tmp_path / "broken_off.duckdb"))
    (tmp_path / "broken_off.duckdb.wal").touch()
    for head, reason in [
        ("no/such", "no/such is neither a file nor a commit of this project."),
        ("--", "Missing argument"),
        (damaged, "damaged.duckdb can't be opened"),
        (other, "can't be compared"),
        (view, "can't be compared"),
        (broken_off, "broken_off.duckdb.wal is left of a write"),
        (base, "are the same file"),
    ]:
        code, said, error = run(base, head) if head != "--" else run("--")
        assert (code, said) == (2 if head == "--" else 4, ""), head
        assert reason in error
        assert "Traceback" not in error


def test_a_file_that_is_written_to_is_not_compared(tmp_path: Path) -> None:
    base = written(tmp_path / "base.duckdb", MART)
    head = written(tmp_path / "head.duckdb", MART)
    hold = f"import duckdb; c = duckdb.connect({str(head)!r}); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline()
        code, _, error = run(base, head)
        holder.stdin.close()
    assert (code, "is open for writing by" in error) == (4, True)


# ---- Markdown --------------------------------------------------------------------------------

NASTY = "a|b\n</details><script>`x` @somebody *b* _i_ [l](http://e) &amp; \\| #1"


def test_markdown_holds_no_markup_of_values(tmp_path: Path) -> None:
    columns = {"id": "varchar", "_odd|name`": "varchar"}
    before: Tables = {"m": (columns, [(NASTY, "x")])}
    after: Tables = {"m": (columns, [(NASTY, "y")])}
    text = report.markdown(compared(tmp_path, before, after, {"keys": {"m": ("id",)}}))
    assert "somebody" in text
    assert not re.findall(r"<(?!/?(?:details|summary|code)>)", text)
    inside = "".join(re.findall(r"<code>(.*?)</code>", text))
    assert not set("|<>`@*[]\\&") & set(re.sub(r"&#\d+;", "", inside))
    assert not re.search(r"(?<!\w)_", inside)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table} == {7}
    assert table[2] == "| <code>m</code> | 1 | 1 | 0 | 0 | 1 |"


def test_markdown_fits_into_a_comment_breaking_changes_first(tmp_path: Path) -> None:
    long = {"x" * 50 + str(one): "varchar" for one in range(40)}
    texts = [[(letter * 500,) * 40] for letter in "ab"]
    before, after = ({f"m{one:02}": (long, rows) for one in range(12)} for rows in texts)
    after |= {"m11": ({"other": "varchar"}, [])}
    text = report.markdown(compared(tmp_path, before, after))
    assert len(text) <= 65_536
    assert text.count("<details>") == text.count("</details>")
    assert 0 < text.count("<details>") < 12
    assert "too long for a comment" in text
    assert text.index("Breaks readers (40)") < text.index("| mart |")
    assert text.index("<summary><code>m11") < text.index("<summary><code>m00")


# ---- dbt: contracts in YAML, and commits ------------------------------------------------------


@pytest.fixture(scope="module")
def published(workspace: Workspace, export: Callable[[], dict]) -> Iterator[Path]:
    """Give the folder of the project's own marts, published."""
    build = workspace.build(export())
    publish.publish(build.folder)
    (build.folder / "CHANGELOG.md").write_text("Before.\n")
    yield build.folder


def test_dbt_knows_the_key_of_each_mart_and_how_long_it_stays(published: Path) -> None:
    manifest = published / "target/manifest.json"
    side = sides.of_file("head", published / "warehouse.duckdb", manifest)
    with duckdb.connect(str(side.file), read_only=True) as connection:
        named = "select table_name from duckdb_tables() where schema_name = 'marts'"
        marts = {name for (name,) in connection.sql(named).fetchall()}
    assert marts - side.keys.keys() == {"warehouse_build"}
    assert side.keys["executive_scorecard"] == ("metric",)
    assert side.keys["risk_inbox"] == ("risk_id",)
    read = json.loads(manifest.read_bytes())
    assert sides.outlived(read, datetime.date(2027, 6, 29)) == set()
    assert sides.outlived(read, datetime.date(2027, 6, 30)) == {"budget_action_impact"}


CHANNELS = "models/marts/core/dim_channels"
CORE = "models/marts/core/_core__models.yml"


def test_a_contract_is_broken_by_a_new_version_only(
    tmp_path: Path, published: Path, export: Callable[[], dict]
) -> None:
    """A column is gone and a type is another; then the same is version 2, beside the old one."""
    workspace = Workspace(tmp_path)
    sql = (workspace.folder / f"{CHANNELS}.sql").read_text("utf-8")
    yml = yaml.safe_load((workspace.folder / CORE).read_text("utf-8"))
    (model,) = (one for one in yml["models"] if one["name"] == "dim_channels")
    *kept, last = model["columns"]
    first = kept[-1]
    other = {"string": "integer"}.get(first["data_type"], "string")

    def without(text: str) -> str:
        columns = ", ".join(column["name"] for column in kept[:-1])
        cast = f"try_cast({first['name']} as {other}) as {first['name']}"
        return f"with whole as (\n{text}\n)\nselect {columns}, {cast} from whole\n"

    def build(changelog: str) -> Path:
        (workspace.folder / CORE).write_text(yaml.safe_dump(yml, sort_keys=False), "utf-8")
        built = workspace.build(export())  # its files go with it
        publish.publish(built.folder)
        shutil.copytree(built.folder, tmp_path / "built", dirs_exist_ok=True)
        (tmp_path / "built/CHANGELOG.md").write_text(changelog)
        return tmp_path / "built/warehouse.duckdb"

    base = published / "warehouse.duckdb"
    model["columns"] = [*kept[:-1], first | {"data_type": other}]
    (workspace.folder / f"{CHANNELS}.sql").write_text(without(sql), "utf-8")
    code, said, _ = run(base, build("Before.\nAfter.\n"))
    assert code == 1
    assert f"  dim_channels.{last['name']} is gone." in said
    assert f"  dim_channels.{first['name']} is " in said

    (workspace.folder / f"{CHANNELS}.sql").write_text(sql, "utf-8")
    (workspace.folder / f"{CHANNELS}_v2.sql").write_text(without(sql), "utf-8")
    old = {
        "v": 1,
        "defined_in": "dim_channels",
        "config": {"alias": "dim_channels"},
        "columns": [{"include": "all", "exclude": [first["name"]]}, first, last],
    }
    model |= {"latest_version": 1, "versions": [old, {"v": 2}]}
    head = build("Before.\nAfter.\n")
    code, said, _ = run(base, head)
    assert (code, "dim_channels_v2 is new" in said) == (0, True)
    (head.parent / "CHANGELOG.md").write_text("Before.\n")
    assert run(base, head)[0] == 1


def test_a_commit_is_built_and_leaves_nothing(
    tmp_path: Path, workspace: Workspace, published: Path
) -> None:
    project = copy_project(tmp_path / "project")
    shutil.copytree(workspace.folder / "seeds", project / "seeds", dirs_exist_ok=True)
    for file in ("warehouse.duckdb", "history.duckdb"):
        shutil.copy(published / file, project)
    shutil.copytree(published / "target", project / "target")
    (project / "CHANGELOG.md").write_text("Before.\n")
    (project / ".gitignore").write_text("/target\n/*.duckdb\n/logs\n__pycache__\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = os.environ | {"DBT": str(FASTEST), "TMPDIR": str(temporary)}

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
        command = ["git", *identity, *arguments]
        return subprocess.run(
            command, cwd=project, check=True, capture_output=True, text=True
        ).stdout

    def diff(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "warehouse", "diff", *arguments]
        return subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, check=False
        )

    git("init", "--quiet", "--initial-branch=main")
    git("add", ".")
    git("commit", "--quiet", "--message=one")
    git("tag", "right")
    (project / "seeds/json/channels.json").write_text("[")
    git("commit", "--quiet", "--all", "--message=wrong JSON")
    before = git("status", "--porcelain")

    done = diff("right", "--markdown")
    assert done.returncode == 0, done.stderr
    assert "0 marts changed, 0 added, 0 gone" in done.stdout
    assert done.stdout.startswith("## ")
    wrong = diff("main")
    assert wrong.returncode == 4
    assert "main can't be built (exit code 1): see above." in wrong.stderr
    assert "1 problem in 1 dataset" in wrong.stderr
    assert list(temporary.iterdir()) == []
    assert git("worktree", "list").count("\n") == 1
    assert git("status", "--porcelain") == before


def test_a_commit_without_a_build_of_its_own_is_not_built(tmp_path: Path) -> None:
    """Python would find the installed package, and build and publish this project."""
    with pytest.raises(sides.SideError, match="has no `warehouse build`"):
        sides.build("v0", tmp_path)


def test_a_copy_beside_the_published_file_has_no_changelog_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "PROJECT", tmp_path)
    for name in ("warehouse.duckdb", "before.duckdb", "CHANGELOG.md"):
        (tmp_path / name).write_text("of today")
    with sides.side(str(tmp_path / "before.duckdb")) as copy, sides.side(None) as published:
        assert (copy.changelog, published.changelog) == (None, "of today")
