"""The answers of the queries about what things cost over time, as their headers say."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.independent.functions import day_of, grouped, total
from tests.independent.month import Month, between, first_of_month, money, ratio

Row = dict[str, Any]
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
UNKNOWN = {"unknown_tokens", "inconsistent"}


def is_unpriced(row: Row) -> bool:
    """Tell whether there is no price for the call."""
    return bool(row["PriceStatus"] == "unpriced")


def has_unknown_tokens(row: Row) -> bool:
    """Tell whether nobody knows the call's tokens, or nobody can believe them."""
    return row["PriceStatus"] in UNKNOWN


def is_unbounded(row: Row) -> bool:
    """Tell whether nobody can say what the call costs at most."""
    return row["HighNano"] is None


def count(rows: Sequence[Row], where: Callable[[Row], bool]) -> int:
    """Return of how many rows something holds."""
    return sum(where(row) for row in rows)


def sums(rows: Sequence[Row]) -> Row:
    """Return a cost with its bounds, and how many calls it lacks."""
    unbounded = count(rows, is_unbounded)
    return {
        "Cost": money(total(rows, "CostNano")),
        "Low": money(total(rows, "LowNano")),
        "High": None if unbounded else money(total(rows, "HighNano")),
        "Unpriced": count(rows, is_unpriced),
        "UnknownTokens": count(rows, has_unknown_tokens),
        "Unbounded": unbounded,
    }


def name_of(rows: Sequence[Row], by: str) -> str:
    """Return what a value of a dimension is called."""
    return max(str(row["AppName"] if by == "AppId" else row[by]) for row in rows)


def month_to_date(month: Month, start: datetime | None, end: datetime | None, by: str = "CostCentre") -> list[Row]:
    """Each value's cost, against the period before."""
    until = end or month.now
    since = start or first_of_month(until)
    earlier_since = first_of_month(until, -1) if start is None else since - (until - since)
    earlier_until = min(earlier_since + (until - since), since)
    rows, before = between(month.costs, since, until), between(month.costs, earlier_since, earlier_until)
    both = grouped([*rows, *before], lambda row: row[by])
    now, then = grouped(rows, lambda row: row[by]), grouped(before, lambda row: row[by])
    everything = total(rows, "CostNano")
    found = []
    for key, members in both.items():
        nano, earlier = total(now[key], "CostNano"), total(then[key], "CostNano")
        found.append(
            {
                "Key": key,
                "Name": name_of(members, by),
                "Calls": len(now[key]),
                "TotalTokens": total(now[key], "TotalTokens"),
                **sums(now[key]),
                "Estimated": money(total(now[key], "EstimatedNano")),
                "Share": ratio(nano, everything),
                "Earlier": money(earlier),
                "EarlierUnbounded": count(then[key], is_unbounded),
                "Change": money(nano - earlier),
                "ChangeShare": ratio(nano - earlier, earlier),
                "Currency": month.book.currency,
            }
        )
    return sorted(found, key=lambda row: (-row["Cost"], -row["TotalTokens"], row["Key"]))


def trend(month: Month, start: datetime | None, end: datetime | None, by: str = "CostCentre") -> list[Row]:
    """Each value's cost, day by day."""
    until = end or month.now
    rows = between(month.costs, start or first_of_month(until), until)
    days = grouped(rows, lambda row: (day_of(row["CallTime"]), row[by]))
    so_far: dict[str, int] = {}
    found = []
    for day, key in sorted(days):
        members = days[day, key]
        so_far[key] = so_far.get(key, 0) + total(members, "CostNano")
        found.append(
            {
                "Day": day,
                "Key": key,
                "Name": name_of(members, by),
                "Calls": len(members),
                "TotalTokens": total(members, "TotalTokens"),
                **sums(members),
                "Estimated": money(total(members, "EstimatedNano")),
                "SoFar": money(so_far[key]),
                "Currency": month.book.currency,
            }
        )
    return found


def top_callers(month: Month, start: datetime | None, end: datetime | None, by: str = "AppId") -> list[Row]:
    """The ten costliest, and the rest."""
    rows = between(month.costs, start, end)
    callers = list(grouped(rows, lambda row: row[by]).items())
    callers.sort(key=lambda item: (-total(item[1], "CostNano"), -total(item[1], "TotalTokens"), item[0]))
    leading = [(key, name_of(members, by), 1, members) for key, members in callers[:10]]
    rest = [row for _, members in callers[10:] for row in members]
    others = [("", "all others", len(callers) - 10, rest)] if callers[10:] else []
    return [
        {
            "Key": key,
            "Name": name,
            "Callers": number,
            "Calls": len(members),
            "TotalTokens": total(members, "TotalTokens"),
            **sums(members),
            "CostShare": ratio(total(members, "CostNano"), total(rows, "CostNano")),
            "TokenShare": ratio(total(members, "TotalTokens"), total(rows, "TotalTokens")),
            "Currency": month.book.currency,
        }
        for key, name, number, members in [*leading, *others]
    ]


def forecast(month: Month, start: datetime | None, end: datetime | None, by: str = "CostCentre") -> list[Row]:
    """Each value's cost by the end of the month."""
    until = end or month.now
    since, today = start or first_of_month(until), day_of(until)
    history = today - 4 * WEEK
    rows = between(month.costs, min(since, history), until)
    coming = [today + number * DAY for number in range((first_of_month(until, 1) - today).days)]
    budgets = _budgets(month, by)
    found = []
    for key, members in grouped(rows, lambda row: row[by]).items():
        days = {day: total(of_day, "CostNano") for day, of_day in _by_day(members).items()}
        counted = between(members, day_of(since), None)
        seen = min((day for day in days if day >= history), default=history)
        past = [day for day in (history + number * DAY for number in range(28)) if max(seen, history) <= day < today]
        expected = [_expected(day, days, past, today) for day in coming]
        whole = total(between(counted, None, today), "CostNano")
        mean, least, most = (whole + sum(part) for part in zip(*expected, strict=True))
        budget = budgets.get(key)
        found.append(
            {
                "Key": key,
                "Name": name_of(members, by),
                "SoFar": money(total(counted, "CostNano")),
                "Unpriced": count(counted, is_unpriced),
                "UnknownTokens": count(counted, has_unknown_tokens),
                "Unbounded": count(counted, is_unbounded),
                "Forecast": money(mean),
                "ForecastLow": money(least),
                "ForecastHigh": money(most),
                "HistoryDays": len(past),
                "Budget": money(budget),
                "OfBudget": ratio(mean, budget) if budget is not None else None,
                "Currency": month.book.currency,
            }
        )
    return sorted(found, key=lambda row: (-row["Forecast"], row["Key"]))


def _by_day(rows: Sequence[Row]) -> dict[datetime, list[Row]]:
    return grouped(rows, lambda row: day_of(row["CallTime"]))


def _expected(
    day: datetime, days: dict[datetime, int], past: Sequence[datetime], today: datetime
) -> tuple[int, int, int]:
    """Return the mean, the least and the most that a day to come costs; today costs what it has at least."""
    alike = [days.get(other, 0) for other in past if other.weekday() == day.weekday()]
    alike = alike or [days.get(other, 0) for other in past] or [0]
    floor = days.get(day, 0) if day == today else 0
    mean = (sum(alike) + len(alike) // 2) // len(alike)
    return max(mean, floor), max(min(alike), floor), max(*alike, floor)


def _budgets(month: Month, by: str) -> dict[str, int]:
    budgets: dict[str, int] = {}
    for app in month.book.apps.values():
        key = {"AppId": app.app_id, "CostCentre": app.cost_centre}.get(by, "")
        if key and app.budget is not None:
            budgets[key] = budgets.get(key, 0) + app.budget
    return budgets


def anomalies(
    month: Month, start: datetime | None, end: datetime | None, by: str = "AppId", measure: str = "TotalTokens"
) -> list[Row]:
    """The days that are unlike the same weekdays before."""
    last = day_of(end or month.now)
    first = day_of(start) if start else last - WEEK
    rows = between(month.costs, first - 4 * WEEK, last)
    found = []
    for key, members in grouped(rows, lambda row: row[by]).items():
        days = _by_day(members)
        amounts = {day: _amount(of_day, measure) for day, of_day in days.items()}
        day = first
        while day < last:
            unlike = _unlike(amounts, min(amounts), day)
            if unlike:
                found.append(
                    {
                        "Day": day,
                        "Key": key,
                        "Name": name_of(members, by),
                        **unlike,
                        "UnknownCalls": count(
                            days.get(day, []), lambda row: row["TotalSource"] == "unknown" and row["Charged"] != "no"
                        ),
                        "Unpriced": count(days.get(day, []), is_unpriced),
                    }
                )
            day += DAY
    found.sort(key=lambda row: (-row["Off"], row["Key"], row["Day"]))
    return [_shown(row) if measure == "Cost" else row for row in found]


def _amount(rows: Sequence[Row], measure: str) -> int:
    return len(rows) if measure == "Calls" else total(rows, {"Cost": "CostNano"}.get(measure, measure))


def _unlike(amounts: dict[datetime, int], seen: datetime, day: datetime) -> Row | None:
    """Return how far off a day is; None where it is not, or where too little is known."""
    before = [amounts.get(day - week * WEEK, 0) for week in range(1, 5) if day - week * WEEK >= seen]
    weeks, amount = len(before), amounts.get(day, 0)
    if weeks < 2:
        return None
    usual = sum(before) // weeks
    spread = sum(abs(number * weeks - sum(before)) for number in before) // (weeks * weeks)
    off = abs(amount - usual)
    if off <= 3 * max(spread, usual // 5) or off < 1000:
        return None
    return {
        "Kind": "more" if amount > usual else "less",
        "Amount": amount,
        "Usual": usual,
        "Spread": spread,
        "Weeks": weeks,
        "Off": off,
        "Times": ratio(amount, usual),
    }


def _shown(row: Row) -> Row:
    return row | {name: money(row[name]) for name in ("Amount", "Usual", "Spread", "Off")}
