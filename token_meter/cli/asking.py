"""Where a command's questions are answered: the embedded store, or a Log Analytics workspace."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from token_meter.kql import run_query
from token_meter.query_result import Ask
from token_meter.settings import PUBLIC_ENDPOINT
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.sources import InputUnusable


@contextmanager
def answering(store: str, workspace: str) -> Iterator[Ask]:
    """Give what answers KQL: a workspace where its id is named, else the store of that file.

    The identity is the environment's, or whoever has signed in; LOG_ANALYTICS_ENDPOINT names another cloud. Raises
    InputUnusable where there is no store.
    """
    if workspace:
        # Azure's libraries take as long to load as all that the embedded store needs
        from token_meter.credentials import azure_identity  # noqa: PLC0415
        from token_meter.log_analytics import log_analytics  # noqa: PLC0415

        endpoint = os.environ.get("LOG_ANALYTICS_ENDPOINT", "") or PUBLIC_ENDPOINT
        identity = azure_identity(os.environ.get("AZURE_CLIENT_ID", ""))
        yield log_analytics(identity, workspace, endpoint).ask
        return
    with opened_store(store) as opened:
        yield partial(run_query, opened)


def opened_store(store: str) -> DuckDbStore:
    """Return the store of a file. Raises InputUnusable where there is none."""
    if not Path(store).exists():
        raise InputUnusable(f"{store}: no such store; `token-meter run` makes one")
    return DuckDbStore(store)
