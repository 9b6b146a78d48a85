"""`token-meter audit`: calls whose usage was reported, counted again, and how far the two are apart."""

import json
import sys
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from token_meter.audit import Accuracy, Audit
from token_meter.cli.metering import batches, progress
from token_meter.cli.output import standard_output
from token_meter.identity import bounded, call_id_of
from token_meter.jsontypes import as_object, as_text
from token_meter.meter import decode_batch
from token_meter.options import MeterOptions
from token_meter.reading import read_exchange
from token_meter.record import Record
from token_meter.usage import read_usage

HEADINGS = (
    "side",
    "of",
    "calls",
    "not countable",
    "exact",
    "within 1",
    "mean error",
    "worst",
    "called counted",
    "of these within 1",
)
SIDES = ("prompt", "completion")
KINDS = ("all", "operation", "feature", "model")


def audit_files(files: Sequence[str], options: MeterOptions, *, as_json: bool) -> None:
    """Count the calls of files again and print how far the counter is off from what the service reported."""
    result = Audit()
    with progress(files) as bar:
        for batch in batches(files, bar):
            for decoded in decode_batch(batch, options):
                if isinstance(decoded, Record):
                    _audit_record(result, decoded, options)
    if as_json:
        sys.stdout.write(json.dumps(_as_values(result)) + "\n")
    else:
        _print(result)


def _audit_record(result: Audit, record: Record, options: MeterOptions) -> None:
    exchange = read_exchange(record, options)
    usage = read_usage(exchange.operation, exchange.response)
    call_id, _ = call_id_of(record, as_text(as_object(exchange.response).get("id")))
    result.add(call_id, exchange, usage)


def _ordered(result: Audit) -> list[tuple[tuple[str, str, str], Accuracy]]:
    """Return the groups as they are printed: prompts first, from the whole to the single model, large ones first."""

    def place(item: tuple[tuple[str, str, str], Accuracy]) -> tuple[int, int, int, str]:
        (side, kind, name), accuracy = item
        return SIDES.index(side), KINDS.index(kind), -accuracy.calls, name

    return sorted(result.kinds.items(), key=place)


def _as_values(result: Audit) -> dict[str, object]:
    groups = [
        {
            "side": side,
            "by": kind,
            "name": name,
            "calls": accuracy.calls,
            "exact": accuracy.exact,
            "withinOne": accuracy.within_one,
            "unknown": accuracy.unknown,
            "reportedTokens": accuracy.reported,
            "absoluteError": accuracy.absolute_error,
            "meanError": accuracy.mean_error,
            "worst": accuracy.worst,
            "counted": accuracy.claimed,
            "countedWithinOne": accuracy.claimed_within_one,
        }
        for (side, kind, name), accuracy in _ordered(result)
    ]
    worst = [
        {
            "callId": item.call_id,
            "model": item.model,
            "operation": item.operation.value,
            "side": item.audited.side,
            "reported": item.audited.reported,
            "counted": item.audited.counted,
            "source": item.audited.source.value,
        }
        for item in result.worst
    ]
    return {"accuracy": groups, "worst": worst}


def _print(result: Audit) -> None:
    console = standard_output()
    table = Table(*HEADINGS)
    for (side, kind, name), accuracy in _ordered(result):
        shown = Text("all" if kind == "all" else f"{kind} {bounded(name) or 'unknown'}")
        table.add_row(side, shown, *_figures(accuracy))
    console.print(table)
    for item in result.worst:
        line = f"{item.call_id} {bounded(item.model)} {item.audited.side}: reported {item.audited.reported}, "
        console.print(Text(line + f"counted {item.audited.counted} ({item.audited.source.value})"))


def _figures(accuracy: Accuracy) -> tuple[str, ...]:
    mean = accuracy.mean_error
    return (
        str(accuracy.calls),
        str(accuracy.unknown),
        _share(accuracy.exact, accuracy.countable),
        _share(accuracy.within_one, accuracy.countable),
        "" if mean is None else f"{mean:.2f}",
        str(accuracy.worst),
        _share(accuracy.claimed, accuracy.countable),
        _share(accuracy.claimed_within_one, accuracy.claimed),
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""
