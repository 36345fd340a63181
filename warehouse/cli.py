"""The command line: `warehouse`, with a command for each step."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import click

from warehouse.system.errors import WarehouseError
from warehouse.system.locks import is_interruption, sole_build
from warehouse.system.paths import PROJECT, relative
from warehouse.system.words import counted

# A command imports its modules when it runs, since imports are slow.

FOLDER = click.Path(path_type=Path, readable=False)
FOR_DBT = {"ignore_unknown_options": True, "allow_interspersed_args": False}
dbt_arguments = click.argument("dbt_arguments", nargs=-1, type=click.UNPROCESSED)
landing = click.option("--from", "landing", help="Ingest this landing folder first.")


@contextmanager
def in_sentences(failure: str = "") -> Iterator[None]:
    """End with exit code 1 and a message after a foreseeable error, with 130 after Ctrl-C."""
    try:
        yield
    except WarehouseError as error:
        between = "\n" if "\n" in str(error) else " "
        click.echo(f"{failure}{between}{error}".lstrip(), err=True)
        sys.exit(1)
    except (KeyboardInterrupt, RuntimeError) as error:
        if not is_interruption(error):
            raise
        click.echo("\nInterrupted.", err=True)
        sys.exit(130)


@click.group()
def main() -> None:
    """Build, publish and read the warehouse."""
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
    """Ingest a landing folder into a lake of typed Parquet.

    Each is a folder, or an address such as s3://bucket/landing that fsspec knows.

    Files may have any size; unchanged files are not read again. Either everything is valid and
    ingested, or all problems are listed and the lake stays as it was.
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


def alone(steps: Callable[[list[str], int], int], arguments: tuple[str, ...]) -> None:
    """Run the steps of a build, alone in this project; end with their exit code."""
    from warehouse.build.build import as_the_environment_says

    with in_sentences("Nothing was built."), sole_build(PROJECT) as lock:
        sys.exit(steps(as_the_environment_says(list(arguments)), lock))


@main.command()
def publish() -> None:
    """Publish the last `dbt build`.

    Its marts become warehouse.duckdb, if its tests allow it.
    """
    from warehouse.publish import publish

    with in_sentences("Not published."), sole_build(PROJECT):
        click.echo(publish())


@main.command()
def explain() -> None:
    """Explain the failures of the last dbt run."""
    from warehouse.explain.explanation import explain

    with in_sentences():
        click.echo(explain())


@main.command()
@click.option("--quiet", is_flag=True, help="Say only what is wrong.")
def review(quiet: bool) -> None:
    """Write review.html, the review of the published marts."""
    from warehouse.review.review import review

    with in_sentences("" if quiet else "No review."):
        file = review()
    if not quiet:
        click.echo(f"Written: {file.name}, in this folder. Open it in a browser.")


@main.command()
@click.argument("folder", type=FOLDER, required=False)
def export(folder: Path | None) -> None:
    """Export the published marts to a folder, by default export/."""
    from warehouse.export import FOLDER, export

    with in_sentences("Nothing was exported."):
        click.echo(export(folder or FOLDER))


@main.group(invoke_without_command=True)
@click.option(
    "--target", type=click.Choice(["duckdb", "spark"]), default="duckdb", help="The engine."
)
@click.pass_context
def history(context: click.Context, target: str) -> None:
    """List the exports seen, show one or take one out; only while no build runs."""
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
    """Show the changes that an export first showed."""
    from warehouse.history import export_of, exports_in, opened, shown

    with in_sentences(), sole_build(PROJECT), opened(target) as log:
        click.echo(shown(export_of(exports_in(log), number)))


@history.command()
@click.argument("number", type=int)
@click.pass_obj
def take_out(target: str, number: int) -> None:
    """Take an export out.

    It is marked in the history. Build the latest export again afterwards.
    """
    from warehouse.history import export_of, exports_in, opened, take_out

    with in_sentences(), sole_build(PROJECT), opened(target) as log:
        click.echo(take_out(log, export_of(exports_in(log), number)))
