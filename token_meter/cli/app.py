"""The command line's commands and what they have in common."""

import os
import sys
import traceback
from enum import StrEnum
from typing import Annotated

import typer

from token_meter.cli.auditing import audit_files
from token_meter.cli.budgeting import print_budgets
from token_meter.cli.closing import close as close_month
from token_meter.cli.closing import verify as verify_folder
from token_meter.cli.metering import meter_into_store, print_rows
from token_meter.cli.moments import MonthUnusable
from token_meter.cli.output import TableOrJson, standard_error
from token_meter.cli.pricing import prices
from token_meter.cli.querying import Format, print_answer
from token_meter.cli.simulating import simulate_month
from token_meter.cli.sinks import sinks
from token_meter.closing.close import MonthNotClosed
from token_meter.closing.folder import FolderUnusable
from token_meter.dated_names import DEFAULT_FORMAT
from token_meter.options import MeterOptions
from token_meter.pricing import BookUnusable
from token_meter.query_result import QueryError
from token_meter.reconciliation.faults import ReconciliationFault
from token_meter.report.month import Dimension
from token_meter.settings import SettingsUnusable, meter_options_from
from token_meter.sinks.duckdb_store import StoreUnusable
from token_meter.sources import InputUnusable
from token_meter.version import VERSION

DONE, SOME_REJECTED, UNUSABLE = 0, 1, 2
SOME_FAILED = 1
SOME_OVER = 1


class Target(StrEnum):
    """Where rows go."""

    STORE = "store"
    LOG_ANALYTICS = "log-analytics"


app = typer.Typer(
    name="token-meter",
    help="Meter AI traffic behind Azure API Management: who used which deployment, how many tokens.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(prices, name="prices")

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE…", help="JSON, JSON lines or Event Hubs Capture Avro, plain or gzip; - is standard input."
    ),
]
Store = Annotated[str, typer.Option(help="The embedded DuckDB store.")]
Workspace = Annotated[
    str,
    typer.Option(help="Ask this Log Analytics workspace instead, by its customerId; it needs the functions."),
]
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
def consume(  # noqa: PLR0913, PLR0917 - one argument an option
    hub: Annotated[str, typer.Option(help="namespace/hub; its name alone where EVENTHUB_CONNECTION is set.")] = "",
    group: Annotated[str, typer.Option(help="The consumer group, which no other reader shares.")] = "$Default",
    store: Annotated[str, typer.Option(help="Embedded DuckDB store; empty sends rows to Log Analytics.")] = "",
    checkpoints: Annotated[
        str, typer.Option(metavar="URL|FILE", help="Blob container or file that keeps how far the hub is metered.")
    ] = "",
    dead_letters: Annotated[str, typer.Option(help="Folder that keeps what could not be metered.")] = "",
    start: Annotated[str, typer.Option("--from", help="Where to begin without a checkpoint: start, end, a time.")] = (
        "start"
    ),
    batch_size: Annotated[int, typer.Option(min=1, max=5_000, help="Events a batch at most.")] = 100,
    share_every: Annotated[float, typer.Option(min=0.1, help="Seconds between looks at who reads what.")] = 10.0,
    retry_after: Annotated[float, typer.Option(min=0.01, help="Seconds until a failed batch's first retry.")] = 2.0,
    until_idle: Annotated[
        float | None, typer.Option(min=0.0, help="Stop when all is metered and this long nothing came.")
    ] = None,
    max_events: Annotated[int | None, typer.Option(min=1, help="Stop after so many events.")] = None,
    shape: Shape = "",
) -> None:
    """Meter a hub's events as they come, without the Function; stop with SIGTERM or Ctrl+C."""
    # azure-eventhub takes as long to load as all that the other commands need
    from token_meter.cli.consuming import consume_hub, start_of  # noqa: PLC0415
    from token_meter.sources.hub import Consumption  # noqa: PLC0415

    how = Consumption(
        group=group,
        batch_size=batch_size,
        start=start_of(start),
        share_every=share_every,
        first_pause=retry_after,
        until_idle=until_idle,
        most_events=max_events,
    )
    rejected = consume_hub(hub, how, checkpoints, store, dead_letters, options_with(shape))
    raise typer.Exit(SOME_REJECTED if rejected else DONE)


@app.command()
def replay(  # noqa: PLR0913, PLR0917 - one argument an option
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH…", help="Dead letters or Capture files: a file, a folder, a container's address (https://…)."
        ),
    ] = None,
    start: Annotated[str, typer.Option(help="Only what reached its hub from this time on.")] = "",
    end: Annotated[str, typer.Option(help="Only what reached its hub before this time.")] = "",
    capture_format: Annotated[str, typer.Option(help="How Capture names its files (archiveNameFormat).")] = (
        DEFAULT_FORMAT
    ),
    hub: Annotated[str, typer.Option(help="Read a hub instead: namespace/hub.")] = "",
    partition: Annotated[list[str] | None, typer.Option(help="Of the hub; repeat it for more. All by default.")] = None,
    first: Annotated[
        str, typer.Option("--from", metavar="NUMBER|TIME", help="First event: its number, offset:NUMBER, or a time.")
    ] = "",
    last: Annotated[
        str, typer.Option("--until", metavar="NUMBER|TIME", help="Last event's number, or the time before which.")
    ] = "",
    group: Annotated[str, typer.Option(help="The hub's consumer group.")] = "$Default",
    to: Annotated[Target, typer.Option(help="Where rows go; log-analytics takes the Function's settings.")] = (
        Target.STORE
    ),
    store: Store = "usage.duckdb",
    dead_letters: Annotated[str, typer.Option(help="Folder that keeps what is rejected for the first time.")] = "",
    shape: Shape = "",
) -> None:
    """Meter dead letters, captured events or part of a hub again. It changes nothing that was right."""
    # Azure's libraries take as long to load as all that the other commands need
    from token_meter.cli.replaying import hub_batches, period_of, replay_batches, stored_batches  # noqa: PLC0415

    from_hub = bool(hub or partition or first or last)
    if bool(paths) == from_hub or (from_hub and (start or end)):
        raise InputUnusable("replay takes paths (with --start and --end), or --hub (with --partition, --from, --until)")
    batches = (
        hub_batches(hub, partition or [], group, first, last)
        if from_hub
        else stored_batches(paths or [], period_of(start, end), capture_format)
    )
    # a record that is rejected again stays in its letter, so a replay of letters needs no place for new ones
    with sinks(store if to is Target.STORE else "", dead_letters, options_with(shape), usual=True) as opened:
        whole = replay_batches(batches, opened)
    raise typer.Exit(DONE if whole else SOME_REJECTED)


@app.command()
def query(
    kql: Annotated[str, typer.Argument(metavar="KQL|FILE.kql", help="A query, or a file that holds one.")],
    store: Store = "usage.duckdb",
    workspace: Workspace = "",
    output: Annotated[Format, typer.Option("--format", help="How to print the answer.")] = Format.TABLE,
) -> None:
    """Ask the embedded store in KQL, the same text that runs in Log Analytics; or ask Log Analytics."""
    print_answer(kql, store, workspace, output)


@app.command()
def reconcile(  # noqa: PLR0913, PLR0917 - one argument an option
    account: Annotated[
        list[str] | None,
        typer.Option(metavar="RESOURCE_ID", help="An account; repeat it for more. RECONCILED_ACCOUNTS by default."),
    ] = None,
    day: Annotated[str, typer.Option(help="The day, UTC, such as 2026-10-05.")] = "",
    month: Annotated[str, typer.Option(help="Or every day of a month so far, such as 2026-10.")] = "",
    store: Store = "usage.duckdb",
    workspace: Workspace = "",
    save: Annotated[
        bool, typer.Option("--save", help="With --workspace: also write the rows there, with the Function's settings.")
    ] = False,
    output: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.TABLE,
) -> None:
    """Hold each day's totals by deployment against the accounts' own metrics, and say what explains a difference."""
    # Azure's libraries take as long to load as all that the other commands need
    from token_meter.cli.reconciling import days_of, print_comparison, reconcile_days  # noqa: PLC0415

    print_comparison(reconcile_days(days_of(day, month), account or [], store, workspace, save=save), output)


@app.command()
def close(  # noqa: PLR0913, PLR0917 - one argument an option
    month: Annotated[str, typer.Option(help="The month to close, such as 2026-10.")] = "",
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Where statements and adjustments are.")] = "statements",
    store: Store = "usage.duckdb",
    workspace: Workspace = "",
    as_of: Annotated[str, typer.Option(metavar="TIME", help="Date the document so; now by default.")] = "",
    anyway: Annotated[
        str, typer.Option(metavar="NOTE", help="Close although events are missing or the month is not over, and why.")
    ] = "",
    verify: Annotated[
        str, typer.Option(metavar="FOLDER", help="Instead, check that all documents there are as they were issued.")
    ] = "",
) -> None:
    """Freeze a month's totals in a statement; what arrives later becomes adjustments and never changes it."""
    if bool(month) == bool(verify):
        raise InputUnusable("close takes --month 2026-10, or --verify FOLDER")
    if verify:
        verify_folder(verify)
    else:
        close_month(month, store, workspace, out, as_of, anyway)


@app.command()
def report(  # noqa: PLR0913, PLR0917 - one argument an option
    month: Annotated[str, typer.Option(help="The month, such as 2026-10.")],
    by: Annotated[Dimension, typer.Option(help="By what the page is told apart first.")] = Dimension.COST_CENTRE,
    out: Annotated[str, typer.Option(help="The page; .csv and .xlsx are written beside it.")] = "report.html",
    store: Store = "usage.duckdb",
    workspace: Workspace = "",
    made_at: Annotated[str, typer.Option(metavar="TIME", help="As if made then; now by default.")] = "",
) -> None:
    """Write a month's cost as one HTML page that needs no network, and its rows as CSV and XLSX."""
    # altair takes as long to load as all that the other commands need
    from token_meter.cli.reporting import write_report  # noqa: PLC0415

    write_report(month, by, out, store=store, workspace=workspace, made_at=made_at)


@app.command()
def budget(  # noqa: PLR0913, PLR0917 - one argument an option
    month: Annotated[str, typer.Option(help="The month, such as 2026-10; the one that goes on by default.")] = "",
    by: Annotated[Dimension, typer.Option(help="app or cost-centre.")] = Dimension.APP,
    as_of: Annotated[str, typer.Option(metavar="TIME", help="Before which calls count; now by default.")] = "",
    store: Store = "usage.duckdb",
    workspace: Workspace = "",
    output: Annotated[Format, typer.Option("--format", help="How to print the budgets.")] = Format.TABLE,
) -> None:
    """Show each budget's month so far and its forecast; exit status 1 where any is over."""
    over = print_budgets(month, by, as_of, output, store=store, workspace=workspace)
    raise typer.Exit(SOME_OVER if over else DONE)


@app.command()
def audit(
    files: Files,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Count calls whose usage was reported again, and print how far the counter is off."""
    audit_files(files, options_with(""), as_json=as_json)


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


@app.command()
def doctor(
    settings: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="local.settings.json, or what `az functionapp config appsettings list` prints; - is standard input.",
        ),
    ] = "",
    workspace: Annotated[
        str,
        typer.Option(metavar="ID", help="Workspace to wait for the canary in, by its customerId; else the settings'."),
    ] = "",
    wait: Annotated[float, typer.Option(min=0, max=3_600, help="Seconds that the canary is waited for.")] = 300,
    through_hub: Annotated[
        bool, typer.Option("--through-hub", help="Send a canary to the hub as well, for the Function to meter.")
    ] = False,
    output: Annotated[TableOrJson, typer.Option("--format", help="How to print the checks.")] = TableOrJson.TABLE,
) -> None:
    """Check settings, network, identity, hub, rule, dead letters, counters; send one canary that nobody is billed."""
    # Azure's libraries take as long to load as all that the other commands need
    from token_meter.cli.examining import examine_installation  # noqa: PLC0415
    from token_meter.doctor import Wanted  # noqa: PLC0415

    well = examine_installation(settings, Wanted(workspace, wait, through_hub), output, os.environ)
    raise typer.Exit(DONE if well else SOME_FAILED)


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
    except (
        BookUnusable,
        FolderUnusable,
        InputUnusable,
        MonthNotClosed,
        MonthUnusable,
        QueryError,
        ReconciliationFault,
        StoreUnusable,
        SettingsUnusable,
    ) as fault:
        standard_error().print(f"token-meter: {fault}")
        sys.exit(UNUSABLE)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; Python would complain when it flushes at exit
        sys.exit(DONE)
    except OSError as fault:
        standard_error().print(f"token-meter: {fault.filename or 'a file'}: {fault.strerror or type(fault).__name__}")
        sys.exit(UNUSABLE)
    except Exception as fault:  # noqa: BLE001 - Python's own status would be that of "some rejected"
        # where it happened, and not what it says, which may be content
        traceback.print_tb(fault.__traceback__)
        standard_error().print(f"token-meter: {type(fault).__name__}: nothing after it was done; a defect to report")
        sys.exit(UNUSABLE)
