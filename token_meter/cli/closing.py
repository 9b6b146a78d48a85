"""`token-meter close`: a month's statement and its adjustments, and whether they are as they were issued."""

from pathlib import Path

from token_meter.cli.asking import answering
from token_meter.cli.moments import moment_of, month_of
from token_meter.cli.output import standard_output
from token_meter.closing.close import Month, close_month
from token_meter.closing.documents import Content, shown_units
from token_meter.closing.folder import check_folder


def close(month: str, store: str, workspace: str, out: str, as_of: str, note: str) -> None:  # noqa: PLR0913, PLR0917
    """Close a month, or adjust a closed one, and say what was issued.

    Raises InputUnusable, and what `close_month` raises.
    """
    period, moment = Month(*month_of(month)), moment_of(as_of, "--as-of")
    with answering(store, workspace) as ask:
        closing = close_month(ask, period, moment, Path(out), note)
    last = closing.chain.documents[-1]
    if not closing.files:
        standard_output().print(f"nothing has changed since {last['asOf']}, digest {last['digest']}")
        return
    standard_output().print(f"{_told(last)}, digest {last['digest']}")
    for path in closing.files:
        standard_output().print(str(path))


def verify(folder: str) -> None:
    """Check all documents of a folder and say what was issued for each month. Raises FolderUnusable."""
    for chain in check_folder(Path(folder)):
        adjustments = len(chain.documents) - 1
        standard_output().print(f"{chain.month}: the statement and {adjustments} adjustments, digest {chain.digest}")


def _told(content: Content) -> str:
    totals = content["totals"]
    what = f"{'adjusted' if content['number'] else 'closed'} {content['month']}"
    cost = shown_units(totals["CostNano"])
    return f"{what}: {totals['Calls']:,} calls, {totals['TotalTokens']:,} tokens, {cost} {content['currency']}"
