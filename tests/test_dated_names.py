"""Names that tell when and where, and which folders a period needs to be looked for in."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_meter.dated_names import (
    DEFAULT_FORMAT,
    LONGEST_WINDOW,
    MARGIN,
    CapturedAt,
    CaptureNames,
    Look,
    UnusableFormat,
    days,
)
from token_meter.period import ALWAYS, AT_ONCE, Period

DAY_FIRST = "out/{Year}/{Month}/{Day}/{Namespace}_{EventHub}/p{PartitionId}/{Hour}-{Minute}-{Second}"
BEGAN = datetime(2026, 10, 5, 13, 2, 9, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@pytest.mark.parametrize(
    ("form", "name"),
    [
        (DEFAULT_FORMAT, "contoso-ai/usage/3/2026/10/05/13/02/09.avro"),
        (DEFAULT_FORMAT, "/somewhere/else/contoso-ai/usage/3/2026/10/05/13/02/09.avro.gz"),
        (DAY_FIRST, "out/2026/10/05/contoso-ai_usage/p3/13-02-09.avro"),
    ],
)
def test_a_capture_blob_tells_hub_partition_and_time(form: str, name: str) -> None:
    """In the order that its format has, whatever folders lie around it."""
    assert CapturedAt("contoso-ai/usage", "3", BEGAN) == CaptureNames(form).place(name)


@pytest.mark.parametrize(
    "name",
    [
        "contoso-ai/usage/3/2026/10/05/13/02/09.json",
        "usage/3/2026/10/05/13/02/09.avro",
        "contoso-ai/usage/3/2026/13/05/13/02/09.avro",
        "contoso-ai/usage/three/2026/10/05/13/02/09.avro",
        "09.avro",
        "",
    ],
)
def test_another_name_tells_nothing(name: str) -> None:
    """Rather than something wrong."""
    assert CaptureNames().place(name) is None


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ("{Namespace}/{EventHub}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}", "lacks {PartitionId}"),
        (DEFAULT_FORMAT + "/{Millennium}", "the fields are"),
        (DEFAULT_FORMAT + "/{Year}", "each once"),
        ("", "lacks"),
    ],
)
def test_a_format_that_cannot_work_is_refused(form: str, complaint: str) -> None:
    """By what is wrong with it."""
    with pytest.raises(UnusableFormat, match=complaint):
        CaptureNames(form)


@given(MOMENTS, MOMENTS, st.timedeltas(timedelta(seconds=1), timedelta(days=400)), st.timedeltas(timedelta()))
@pytest.mark.parametrize("form", [DEFAULT_FORMAT, DAY_FIRST])
def test_no_folder_is_skipped_that_holds_an_event_of_the_period(
    form: str, began: datetime, start: datetime, length: timedelta, into: timedelta
) -> None:
    """Whichever of its folders is looked at, whenever in its window the event came."""
    period = Period(start, start + length)
    event = began.replace(microsecond=0) + min(into, LONGEST_WINDOW)
    name = form.format(
        Namespace="contoso", EventHub="usage", PartitionId=3, Year=f"{began:%Y}", Month=f"{began:%m}",
        Day=f"{began:%d}", Hour=f"{began:%H}", Minute=f"{began:%M}", Second=f"{began:%S}",
    )  # fmt: skip
    parts = name.split("/")[:-1]
    looks = [
        CaptureNames(form).look("".join(f"{part}/" for part in parts[:depth]), period, MARGIN)
        for depth in range(len(parts) + 1)
    ]

    assert not (period.has(event) and Look.SKIP in looks)


@pytest.mark.parametrize(
    ("folder", "look"),
    [
        ("", Look.OPEN),
        ("2025/", Look.SKIP),
        ("2026/", Look.OPEN),
        ("2026/12/", Look.OPEN),
        ("2026/11/", Look.SKIP),
        ("2026/12/31/", Look.ALL),
        ("2026/12/31/contoso-usage/3/", Look.ALL),
        ("2026/12/30/", Look.SKIP),
        ("2027/01/01/", Look.SKIP),
        ("2027/13/", Look.OPEN),
        ("undated/", None),
    ],
)
def test_of_dead_letters_only_the_periods_days_are_looked_at(folder: str, look: Look | None) -> None:
    """Also at the end of a year."""
    new_years_eve = Period(datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))

    assert look is days().look(folder, new_years_eve, AT_ONCE)


def test_without_a_period_every_folder_is_looked_at() -> None:
    """Down to the day, and then all of it at once."""
    folders = ["contoso/usage/3/", "contoso/usage/3/2026/", "contoso/usage/3/2026/10/", "contoso/usage/3/2026/10/05/"]

    assert [Look.OPEN, Look.OPEN, Look.OPEN, Look.ALL] == [
        CaptureNames().look(folder, ALWAYS, MARGIN) for folder in folders
    ]
