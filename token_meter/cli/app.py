"""The command line's commands and what they have in common."""

import os
import sys
from typing import Annotated

import typer

from token_meter.cli.auditing import audit_files
from token_meter.cli.metering import meter_into_store, print_rows
from token_meter.cli.output import standard_error
from token_meter.cli.querying import Format, query_store
from token_meter.cli.simulating import MonthUnusable, simulate_month
from token_meter.kql import QueryError
from token_meter.options import MeterOptions
from token_meter.settings import SettingsUnusable, meter_options_from
from token_meter.sinks.duckdb_store import StoreUnusable
from token_meter.sources import InputUnusable
from token_meter.version import VERSION

DONE, SOME_REJECTED, UNUSABLE = 0, 1, 2

app = typer.Typer(
    name="token-meter",
    help="Meter AI traffic behind Azure API Management: who used which deployment, how many tokens.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE…", help="JSON, JSON lines or Event Hubs Capture Avro, plain or gzip; - is standard input."
    ),
]
Store = Annotated[str, typer.Option(help="The embedded DuckDB store.")]
Shape = Annotated[str, typer.Option(help="Read only this family or shape of records, such as S4; empty reads all.")]


def options_with(shape: str) -> MeterOptions:
    """Return the choices about metering: the Function's settings from the environment, and the shape asked for."""
    return meter_options_from({**os.environ, **({"RECORD_SHAPE": shape} if shape else {})})


@app.command()
def run(
    files: Files,
    store: Store = "usage.duckdb",
    dead_letters: Annotated[str, typer.Option(help="Folder that keeps what could not be metered.")] = "dead-letters",
    shape: Shape = "",
) -> None:
    """Meter events into the embedded store and print the counts."""
    raise typer.Exit(SOME_REJECTED if meter_into_store(files, store, dead_letters, options_with(shape)) else DONE)


@app.command()
def rows(files: Files, shape: Shape = "") -> None:
    """Print one usage row a line as JSON, in input order."""
    raise typer.Exit(SOME_REJECTED if print_rows(files, options_with(shape)) else DONE)


@app.command()
def query(
    kql: Annotated[str, typer.Argument(metavar="KQL|FILE.kql", help="A query, or a file that holds one.")],
    store: Store = "usage.duckdb",
    output: Annotated[Format, typer.Option("--format", help="How to print the answer.")] = Format.TABLE,
) -> None:
    """Ask the embedded store in KQL, the same text that runs in Log Analytics."""
    query_store(kql, store, output)


@app.command()
def audit(
    files: Files,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Count calls whose usage was reported again, and print how far the counter is off."""
    audit_files(files, as_json=as_json)


@app.command()
def simulate(
    month: Annotated[str, typer.Option(help="The month, such as 2026-10.")],
    calls: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many calls.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same month.")] = 1,
    out: Annotated[str, typer.Option(help="File for the events, gzip as .gz; - is standard output.")] = "-",
    truth: Annotated[str, typer.Option(help="File for what is true of every call, to check answers against.")] = "",
) -> None:
    """Write a made-up company's month of gateway records: forty applications, twelve deployments."""
    simulate_month(month, calls, seed, out, truth)


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    """Meter AI traffic behind Azure API Management: who used which deployment, how many tokens."""
    if show:
        sys.stdout.write(f"token-meter {VERSION}\n")
        raise typer.Exit


def main() -> None:
    """Run the command line; unusable input ends in one line on standard error and exit status 2."""
    try:
        app()
    except (InputUnusable, MonthUnusable, QueryError, StoreUnusable, SettingsUnusable) as fault:
        standard_error().print(f"token-meter: {fault}")
        sys.exit(UNUSABLE)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; Python would complain when it flushes at exit
        sys.exit(DONE)
