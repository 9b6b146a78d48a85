"""What each billing row costs, as docs/prices.md says: the parts of a call at their prices, rounded once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from tests.independent.parts import (
    COMPLETION_SIDE,
    LIST_COLUMNS,
    NANO_COLUMNS,
    PRICE_COLUMNS,
    PROMPT_SIDE,
    Parts,
    costs_of,
    is_consistent,
    nano,
    part_prices,
    parts_of,
    weight_of,
)
from tests.independent.price_files import Book, Listed, Price
from tests.independent.price_lookup import Found, Kind, Pricing, micro

Row = dict[str, Any]
Hours = dict[tuple[Listed, datetime], int]
"""The tokens of each hour of a provisioned deployment."""
SMALLEST_CACHED_PROMPT = 1024
AS_THEY_ARE = (
    "CallTime", "CallId", "AppId", "AppIdSource", "EntraTenantId", "UserObjectId", "ApimSubscription", "Product",
    "ApiId", "Custom", "OperationName", "Deployment", "Backend", "Region", "RequestedModel", "ServedModel",
    "StatusCode", "FinishReason", "IsStream", "DurationMs", "Attempts", "Charged", "PromptTokens", "CompletionTokens",
    "TotalTokens", "CachedTokens", "CacheWriteTokens", "ReasoningTokens", "AudioPromptTokens",
    "AudioCompletionTokens", "ImageTokens", "PromptSource", "CompletionSource", "TotalSource", "Notes",
    "MeterRevision",
)  # fmt: skip


def cost(calls: Sequence[Row], book: Book) -> list[Row]:
    """Return what each call costs, in the order of the calls."""
    pricing = Pricing(book)
    kinds = [pricing.kind(call) for call in calls]
    weights = [weight_of(call) for call in calls]
    hours: Hours = defaultdict(int)
    for call, kind, weight in zip(calls, kinds, weights, strict=True):
        if kind.provisioned and kind.listed is not None:
            hours[kind.listed, hour_of(call["CallTime"])] += weight or 0
    return [_row(pricing, call, kind, weight, hours) for call, kind, weight in zip(calls, kinds, weights, strict=True)]


def hour_of(moment: datetime) -> datetime:
    """Return the beginning of its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def share_of_hour(weight: int, whole: int, tokens: int) -> int:
    """Return a call's share of what an hour comes to, rounded half up."""
    return (2 * weight * whole + tokens) // (2 * tokens)


def _row(pricing: Pricing, call: Row, kind: Kind, weight: int | None, hours: Hours) -> Row:
    """Return the row of a call."""
    found = Found({}, {}) if kind.provisioned else pricing.prices(kind, call["PromptTokens"] or 0)
    prices = part_prices(found.by_meter)
    list_prices = part_prices(found.listed)
    parts, overlap = parts_of(call, usable=weight is not None and not kind.provisioned)
    ptu, ptu_list, ptu_price = _allocation(pricing, call, kind, weight, hours)
    lacking = {part for part in parts if (parts[part] or 0) > 0 and prices[part] is None}
    covered = any((parts[part] or 0) > 0 and prices[part] is not None for part in parts)
    status = _status(call, kind, weight, ptu, found, prices, lacking=bool(lacking), covered=covered)
    costs = costs_of(parts, prices)
    is_cost = status in {"priced", "lower_bound"}
    of_tokens = is_cost or status == "total_only"
    sides = {side: sum(costs[part] or 0 for part in side) for side in (PROMPT_SIDE, COMPLETION_SIDE)}
    total = {"not_charged": 0, "allocated": ptu}.get(status, sum(sides.values()) if is_cost else None)
    doubtful = call["Charged"] != "no" and "attempts_differ" in call["Notes"]
    low, high = (0, None) if doubtful else _bounds(call, status, total, prices, found)
    estimated = total if doubtful else _estimated(call, status, total, sides[PROMPT_SIDE], sides[COMPLETION_SIDE])
    row: Row = {name: call[name] for name in AS_THEY_ARE}
    row |= _names(pricing.book, call, kind)
    row |= {"PriceStatus": status, "CostNano": total, "LowNano": low, "HighNano": high}
    row |= {
        "EstimatedNano": estimated,
        "ListNano": _at_list(status, ptu_list, parts, costs_of(parts, list_prices)),
        **{column: costs[part] if is_cost else None for part, column in NANO_COLUMNS.items()},
        **_capacity(pricing, call, kind, ptu if status == "allocated" else None, weight, hours),
        "PromptAbove": found.above,
        **parts,
        **{column: prices[part] for part, column in PRICE_COLUMNS.items()},
        **{column: list_prices[part] for part, column in LIST_COLUMNS.items()},
        "PriceBasis": ptu_price.basis if status == "allocated" and ptu_price else found.basis if of_tokens else "",
        "PricedSince": _since(status, ptu_price, found, of_tokens=of_tokens),
        "PriceNotes": _notes(
            kind, found, parts, lacking, is_cost=is_cost, of_tokens=of_tokens, overlap=overlap, doubtful=doubtful
        ),
    }
    return row


def _names(book: Book, call: Row, kind: Kind) -> Row:
    app = book.apps.get(call["AppId"])
    listed = kind.listed
    own = str((call["Custom"] or {}).get("costCentre") or "")
    return {
        "AppName": app.name if app and app.name else call["AppId"],
        "Owner": app.owner if app else "",
        "CostCentre": app.cost_centre if app and app.cost_centre else own,
        "Model": kind.model,
        "Version": kind.version,
        "ModelSource": kind.source,
        "DeploymentType": "PTU" if kind.provisioned else kind.deployment_type,
        "PriceRegion": kind.region,
        "Tier": kind.tier,
        "PtuDeployment": listed.deployment if kind.provisioned and listed else "",
        "PtuBackend": listed.backend if kind.provisioned and listed else "",
        "Currency": book.currency,
    }


def _allocation(
    pricing: Pricing, call: Row, kind: Kind, weight: int | None, hours: Hours
) -> tuple[int | None, int | None, Price | None]:
    """Return a call's share of its hour, the same at public prices, and the line that prices the hour."""
    if not kind.provisioned or weight is None or kind.listed is None:
        return None, None, None
    tokens = hours[kind.listed, hour_of(call["CallTime"])]
    own, public = (pricing.hour_price(kind.day, kind.listed, public=only) for only in (False, True))
    if own is None or tokens == 0:
        return None, None, own[1] if own else None
    listed = share_of_hour(weight, public[0], tokens) if public else None
    return share_of_hour(weight, own[0], tokens), listed, own[1]


def _capacity(  # noqa: PLR0913, PLR0917 - one argument a fact that it tells
    pricing: Pricing, call: Row, kind: Kind, ptu: int | None, weight: int | None, hours: Hours
) -> Row:
    """Return what a call has of provisioned capacity: of its cost, of its hours, and the price of one."""
    told: Row = {"PtuNano": ptu, "PtuNanoHours": None, "PtuPrice": None, "ListPtu": None}
    if not kind.provisioned or kind.listed is None:
        return told
    own, public = (pricing.hour_price(kind.day, kind.listed, public=only) for only in (False, True))
    told |= {"PtuPrice": micro(own[1].price) if own else None, "ListPtu": micro(public[1].price) if public else None}
    if ptu is not None and weight is not None:
        tokens = hours[kind.listed, hour_of(call["CallTime"])]
        told["PtuNanoHours"] = share_of_hour(weight, kind.listed.ptus * 10**9, tokens)
    return told


def _status(  # noqa: PLR0913, PLR0917 - one argument a fact that decides it
    call: Row,
    kind: Kind,
    weight: int | None,
    ptu: int | None,
    found: Found,
    prices: Parts,
    *,
    lacking: bool,
    covered: bool,
) -> str:
    if call["Charged"] == "no":
        return "not_charged"
    if not is_consistent(call):
        return "inconsistent"
    if weight is None:
        return "unknown_tokens"
    if kind.provisioned:
        return "unpriced" if ptu is None else "allocated"
    split = (call["PromptTokens"], call["CompletionTokens"])
    text_prices = (prices["TextPart"], prices["CompletionPart"])
    if not found.basis or (lacking and not covered) or (split == (None, None) and text_prices == (None, None)):
        return "unpriced"
    if split == (None, None):
        return "total_only"
    incomplete = {"part_unknown", "lower_bound"} & set(call["Notes"])
    return "lower_bound" if None in split or lacking or incomplete else "priced"


def _bounds(call: Row, status: str, total: int | None, prices: Parts, found: Found) -> tuple[int, int | None]:
    """Return the least and the most that a call costs; the most is None where there is no bound."""
    low, high = total or 0, total if status in {"priced", "allocated", "not_charged"} else None
    if status == "total_only":
        tokens = call["TotalTokens"]
        text = [price for price in (prices["TextPart"], prices["CompletionPart"]) if price is not None]
        # so long a prompt may have come from the cache in part
        cached = prices["CachedPart"] if tokens >= SMALLEST_CACHED_PROMPT else None
        low = nano(tokens, min(text if cached is None else [*text, cached]))
        high = nano(tokens, max(text)) if found.up_to is None or tokens <= found.up_to else None
    return (0 if call["Charged"] == "unknown" else low), high


def _estimated(call: Row, status: str, total: int | None, prompt_side: int, completion_side: int) -> int | None:
    if status == "allocated":
        return total if call["TotalSource"] == "estimated" else 0
    if status in {"priced", "lower_bound"}:
        sides = (("PromptSource", prompt_side), ("CompletionSource", completion_side))
        return sum(side for source, side in sides if call[source] == "estimated")
    return 0 if status == "not_charged" else None


def _at_list(status: str, ptu_list: int | None, parts: Parts, costs: Parts) -> int | None:
    """Return the cost at public prices; None where a part has none."""
    if status == "allocated":
        return ptu_list
    if status == "not_charged":
        return 0
    if status not in {"priced", "lower_bound"}:
        return None
    told = [part for part in parts if parts[part] is not None]
    amounts = [costs[part] for part in told]
    return None if None in amounts else sum(amount or 0 for amount in amounts)


def _since(status: str, ptu_price: Price | None, found: Found, *, of_tokens: bool) -> datetime | None:
    day = ptu_price.effective_from if status == "allocated" and ptu_price else found.since if of_tokens else None
    return datetime(day.year, day.month, day.day) if day else None  # noqa: DTZ001 - the store's times have no zone


def _notes(  # noqa: PLR0913 - one argument a fact that it may tell
    kind: Kind,
    found: Found,
    parts: Parts,
    lacking: Iterable[str],
    *,
    is_cost: bool,
    of_tokens: bool,
    overlap: bool,
    doubtful: bool,
) -> str:
    own, lacking = found.by_meter, set(lacking)
    told = (
        (is_cost and (parts["CachedPart"] or 0) > 0 and "cached_prompt" not in own, "cached_at_prompt_price"),
        (is_cost and (parts["WritePart"] or 0) > 0 and "cache_write" not in own, "cache_write_at_prompt_price"),
        (is_cost and bool(lacking & {"TextPart", "CachedPart", "WritePart", "ImagePart"}), "prompt_unpriced"),
        (is_cost and "CompletionPart" in lacking, "completion_unpriced"),
        (is_cost and bool(lacking & {"AudioPart", "AudioOutPart"}), "audio_unpriced"),
        (is_cost and overlap, "overlapping_parts"),
        (of_tokens and found.basis == "stand_in", "stand_in_price"),
        (of_tokens and kind.listed is None, "type_assumed_global"),
        (doubtful, "priced_as_last_attempt"),
        (of_tokens and kind.source != "served", f"model_{kind.source}"),
    )
    return " ".join(note for holds, note in told if holds)
