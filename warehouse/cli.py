"""The command line: `warehouse`, with a command for each step."""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import click

from warehouse.system.errors import ExitCode, WarehouseError
from warehouse.system.locks import is_interruption, sole_build
from warehouse.system.paths import EXPORT_FOLDER, PROJECT, relative
from warehouse.system.words import counted

# What a command needs is imported when it runs: each takes its time.

FOLDER = click.Path(path_type=Path, readable=False)
FOR_DBT = {"ignore_unknown_options": True, "allow_interspersed_args": False}
dbt_arguments = click.argument("dbt_arguments", nargs=-1, type=click.UNPROCESSED)
landing = click.option("--from", "landing", help="Ingest this landing folder first.")


@contextmanager
def in_sentences(failure: str = "") -> Iterator[None]:
    """End with a sentence where something can't be done, and with an exit code that says why."""
    try:
        yield
    except WarehouseError as error:
        between = "\n" if "\n" in str(error) else " "
        click.echo(f"{failure}{between}{error}".lstrip(), err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, Exception) as error:
        if is_interruption(error):
            click.echo("\nInterrupted.", err=True)
            sys.exit(ExitCode.INTERRUPTED)
        if isinstance(error, BrokenPipeError):  # click's to end
            raise
        traceback.print_exc()  # as Python does, but it ends with the code of a broken export
        sys.exit(ExitCode.COULD_NOT_RUN)


@click.group()
def main() -> None:
    """Build, publish and read the warehouse. docs/ci.md says what exit codes mean."""
    here = Path.cwd()
    projects = [
        folder for folder in (here, *here.parents) if (folder / "warehouse/cli.py").exists()
    ]
    if projects and not projects[0].samefile(PROJECT):
        with in_sentences():
            raise WarehouseError(
                f"This command is installed for {PROJECT}. Here, run `python -m warehouse`."
            )


@main.command()
@click.option("--input", "source", type=FOLDER, help="Folder of the JSON, by default seeds/json.")
@click.option(
    "--output",
    "target",
    type=FOLDER,
    help="By default seeds/orchestrator.",
)
@click.option("--check", is_flag=True, help="Only say whether the seeds are what the JSON gives.")
def seeds(source: Path | None, target: Path | None, check: bool) -> None:
    """Convert the orchestrator's JSON to dbt seeds."""
    from warehouse.seeds.conversion import INPUT_DIR, OUTPUT_DIR, convert

    target = target or OUTPUT_DIR
    with in_sentences(), nullcontext() if check else sole_build(PROJECT):
        conversion = convert(source or INPUT_DIR, target, check)
    if check:
        click.echo(f"{relative(target)} is what the JSON gives: {conversion}.")
    else:
        changed = counted(len(conversion.changed), "seed")
        click.echo(f"Converted {conversion}. Changed {changed} in {relative(target)}.")


@main.command()
@click.argument("landing")
@click.option("--lake", help="By default lake.")
def ingest(landing: str, lake: str | None) -> None:
    """Ingest what lies in a landing folder, into a lake of typed Parquet.

    Either is a folder, or an address such as s3://bucket/landing that fsspec knows.

    Of files as large as they may be; what hasn't changed since is not read again. Either all is
    right and ingested, or what is wrong is listed and the lake stays as it was.
    """
    from warehouse.lake.ingest import LAKE, ingest, report

    with in_sentences(), sole_build(PROJECT):
        click.echo("\n".join(report(ingest(landing, lake or LAKE))))


@main.command(context_settings=FOR_DBT)
@landing
@dbt_arguments
def build(landing: str | None, dbt_arguments: tuple[str, ...]) -> None:
    """Convert or ingest, build, test, publish and sum up: `make build`.

    Arguments go to `dbt build`: warehouse build --vars '{as_of: 2026-03-16}'. With HISTORY=no in
    the environment the export is not added to the history.
    """
    from warehouse.build.build import build

    alone(partial(build, landing=landing), dbt_arguments)


@main.command(context_settings=FOR_DBT)
@landing
@dbt_arguments
def spark(landing: str | None, dbt_arguments: tuple[str, ...]) -> None:
    """Convert or ingest, build and test on Spark: `make spark-build`.

    Arguments go to `dbt build`. The server is the one that the profile names; by default that is
    the cluster of `make spark-up`.
    """
    with in_sentences("Nothing was built."):
        from warehouse.spark.build import build

    alone(partial(build, landing=landing), dbt_arguments)


def alone(steps: Callable[[list[str], int], ExitCode], arguments: tuple[str, ...]) -> None:
    """Run the steps of a build, alone in this project; end with their exit code."""
    from warehouse.build.build import as_the_environment_says

    with in_sentences("Nothing was built."), sole_build(PROJECT) as lock, told_to_ci():
        sys.exit(steps(as_the_environment_says(list(arguments)), lock))


@contextmanager
def told_to_ci() -> Iterator[None]:
    """Let a CI system know as well what can't be done."""
    from warehouse.explain.ci import tell_ci
    from warehouse.explain.explanation import explain_error

    try:
        yield
    except WarehouseError as error:
        tell_ci(explain_error(error))
        raise


@main.command()
def publish() -> None:
    """Publish what the last `dbt build` made.

    It becomes warehouse.duckdb, if its tests allow it.
    """
    from warehouse.publish import publish

    with in_sentences("Not published."), sole_build(PROJECT):
        publication = publish()
        click.echo(publication)
        sys.exit(publication.exit_code)


@main.command()
def explain() -> None:
    """Explain what failed in the last dbt run; end with the exit code that says how it ended."""
    from warehouse.explain.ci import tell_ci
    from warehouse.explain.explanation import explain

    with in_sentences("There is no dbt run to explain."), told_to_ci():
        explanation = explain()
        click.echo(explanation)
        tell_ci(explanation)
        sys.exit(explanation.exit_code)


@main.command()
@click.option("--quiet", is_flag=True, help="Say only what is wrong.")
def review(quiet: bool) -> None:
    """Write review.html, the review of what is published."""
    from warehouse.review.review import review

    with in_sentences("" if quiet else "No review."):
        file = review()
    if not quiet:
        click.echo(f"Written: {file.name}, in this folder. Open it in a browser.")


@main.command()
@click.argument("folder", type=FOLDER, required=False)
def export(folder: Path | None) -> None:
    """Export the published marts to a folder, by default export/."""
    from warehouse.export import export

    with in_sentences("Nothing was exported."):
        click.echo(export(folder or PROJECT / EXPORT_FOLDER))


@main.command()
@click.argument("base")
@click.argument("head", required=False)
@click.option("--markdown", is_flag=True, help="Report as a comment on a pull request.")
def diff(base: str, head: str | None, markdown: bool) -> None:
    """Compare the marts of BASE with those of HEAD, by default warehouse.duckdb.

    Either is a published file, or a commit, which is built for it, on this project's history; what
    is known of a file's marts is read from target/manifest.json and CHANGELOG.md beside it.

    It ends with 0 where nothing breaks readers of the marts: values and rows may be others; with 1
    where something does: a mart or a column is gone before its deprecation date, a type or a key is
    another, or marts or columns are others and CHANGELOG.md is the same; with 4 where there is
    nothing to compare.
    """
    from warehouse.diff import report
    from warehouse.diff.compare import compare
    from warehouse.diff.sides import side

    with in_sentences("Nothing was compared."):
        with side(base) as one, side(head) as other:
            found = compare(one, other)
        click.echo(report.markdown(found) if markdown else report.text(found))
    sys.exit(found.exit_code)


@main.group(invoke_without_command=True)
@click.option(
    "--target", type=click.Choice(["duckdb", "spark"]), default="duckdb", help="The engine."
)
@click.pass_context
def history(context: click.Context, target: str) -> None:
    """List the exports seen, show or take out one; while no build runs."""
    context.obj = target
    if not context.invoked_subcommand:
        context.invoke(list_exports)


@history.command("list")
@click.pass_obj
def list_exports(target: str) -> None:
    """List the exports (the default)."""
    from warehouse.history import exports_in, listed, opened

    with in_sentences(), sole_build(PROJECT), opened(target) as log:
        click.echo(listed(exports_in(log)))


@history.command()
@click.argument("number", type=int)
@click.pass_obj
def changes(target: str, number: int) -> None:
    """Show what the export of a number first showed."""
    from warehouse.history import export_of, exports_in, opened, shown

    with in_sentences(), sole_build(PROJECT), opened(target) as log:
        click.echo(shown(export_of(exports_in(log), number)))


@history.command()
@click.argument("number", type=int)
@click.pass_obj
def take_out(target: str, number: int) -> None:
    """Take an export out, by a mark.

    Then build the newest export again.
    """
    from warehouse.history import export_of, exports_in, opened, take_out

    with in_sentences(), sole_build(PROJECT), opened(target) as log:
        click.echo(take_out(log, export_of(exports_in(log), number)))
