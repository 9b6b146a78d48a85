"""What a shape of record is: data that says how to recognise it and where its fields are, and one reader for all.

A shape names, for each fact that a record can tell (an attribute of `Record`, or one of READERS below), the fields that
may hold it. What cannot be said as data is done by its `finish`, a small function over what was read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeAlias

from token_meter.codes import IGNORED_REASONS, Kind, Note, Operation, Reason
from token_meter.events import Origin
from token_meter.jsontypes import Json, JsonObject, as_text, dump_json
from token_meter.operations import operation_named
from token_meter.record import Ignored, Record, Rejected
from token_meter.salvage import WHOLE, Cut
from token_meter.secrets import APIM_KEY
from token_meter.shapes.bodies import answer_of, request_of
from token_meter.shapes.fields import Fields, normalised, texts
from token_meter.usage import Usage, read_usage

Decoded: TypeAlias = Record | Rejected | Ignored
Draft: TypeAlias = dict[str, Any]
"""A record while it is read: attributes of `Record` by name."""
Finish: TypeAlias = Callable[[Fields, Draft], Reason | None]

STAGE = "decode"
USAGE_PARTS = {
    "prompt_tokens": "prompt",
    "completion_tokens": "completion",
    "total_tokens": "total",
    "cached_tokens": "cached",
    "reasoning_tokens": "reasoning",
    "audio_prompt_tokens": "audio_prompt",
}
LONGEST_SIGN = 64
"""Characters of a value that are looked at to tell a shape; the longest that does has 13."""
HTTP_STATUSES = range(100, 1000)
"""Any three digits (RFC 9110, section 15); what else a record may hold is no status."""
ARRIVAL_FIELDS = ("EventEnqueuedUtcTime",)
"""What Azure Stream Analytics adds to records that pass through it on their way to another hub."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An object as it came out of an event: whole, or salvaged from a cut text, and its bytes where they differ."""

    value: JsonObject
    origin: Origin
    index: int = 0
    cut: Cut = WHOLE
    raw: bytes = b""


PARTS_OF_A_CALL = (
    "A gateway that tries again writes its records once an attempt. A record that knows its attempt says so; of "
    "others, the answer's id and status tell the attempts apart, so that a 429 and the 200 after it are two "
    "observations of one call. Attempts that the service charged add up, others stay visible with `Charged` = "
    "`no`. Two answers with different ids in one call are two attempts. Two with the same status and no id cannot "
    "be told from one event that was delivered twice, and count once."
)
"""What a reader must know of retries: for the documentation."""
SOMETHING = [
    "request_id",
    "own_id",
    "service_response_id",
    "request_body",
    "response_body",
    "deployment",
    "requested_model",
    "served_model",
    "identity",
]
"""A record with none of these and no numbers is a health probe or the like, and tells of no call."""


def _nothing_more(_fields: Fields, _draft: Draft) -> None:
    """Leave what was read as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What tells a shape's records, with normalised names."""

    requires: frozenset[str]
    one_of: frozenset[str]
    lacks: frozenset[str]
    only: frozenset[str]
    where: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, shape: "Shape") -> Self:
        """Return the signs of a shape."""
        names = {
            what: frozenset(map(normalised, getattr(shape, what))) for what in ("requires", "one_of", "lacks", "only")
        }
        return cls(**names, where=tuple((normalised(name), allowed) for name, allowed in shape.where.items()))

    def are_in(self, fields: Fields) -> bool:
        """Tell whether an object has them."""
        names = fields.names
        return (
            self.requires <= names
            and (not self.one_of or not self.one_of.isdisjoint(names))
            and self.lacks.isdisjoint(names)
            and (not self.only or names <= self.only)
            and all(_is_one_of(fields.values[name], allowed) for name, allowed in self.where)
        )


def _is_one_of(value: Json, allowed: tuple[str, ...]) -> bool:
    text = as_text(value)
    return len(text) <= LONGEST_SIGN and text.strip().lower() in allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A shape of record. Names of fields are compared as `normalised` spells them."""

    name: str
    """What `RecordShape` says."""
    family: str
    title: str
    origin: str
    """The repository and file, or the page, that its fields were read from."""
    kind: Kind = Kind.EXCHANGE
    requires: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    """All fields that it may have; empty where others may stand beside them."""
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Fields that must have one of these values, whatever their case."""
    tells: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Which fields may hold each fact, the likeliest first."""
    merges: tuple[str, ...] = ()
    """Objects in the record whose fields count as the record's own."""
    any_api: bool = False
    """Whether such records are written for calls of every API, so that many of them are no model calls."""
    keeps_empty: bool = False
    """Whether a record that tells of nothing is a call all the same, and no health probe."""
    ignored: Reason | None = None
    """Why all records of the shape are set aside, where they are."""
    finish: Finish = _nothing_more
    limits: str = ""
    """What it cannot tell, and what to know of it: for the documentation."""

    signs: Signs = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Spell the names that tell the shape as they are compared, once for all records."""
        object.__setattr__(self, "signs", Signs.of(self))

    def explains(self, fields: Fields) -> bool:
        """Tell whether an object is a record of this shape."""
        return self.signs.are_in(fields)

    def read(self, arrived: Arrived, fields: Fields) -> Decoded:
        """Return the record, or why it gives none."""
        if self.ignored is not None:
            return set_aside(self.ignored, arrived)
        for name in self.merges:
            fields = fields.merged(name)
        draft = _read(self.tells, fields)
        reason = self.finish(fields, draft)
        if reason is None and not self.keeps_empty and not _tells_something(draft):
            reason = Reason.NOT_USAGE
        if reason is not None:
            return set_aside(reason, arrived)
        notes = set(draft.pop("notes", ()))
        notes |= {Note.PLACEHOLDER} if fields.placeholder_seen else set()
        notes |= {Note.CUT} if fields.was_cut else set()
        origin = arrived.origin
        enqueued = None if origin.enqueued_time else fields.moment(*ARRIVAL_FIELDS)
        return Record(
            shape=self.name,
            kind=draft.pop("kind", self.kind),
            origin=replace(origin, enqueued_time=enqueued) if enqueued else origin,
            index=arrived.index,
            value=arrived.value,
            raw=arrived.raw,
            any_api=self.any_api,
            notes=tuple(sorted(notes)),
            **draft,
        )


def _tells_something(draft: Draft) -> bool:
    return draft["stated"].reported or any(draft.get(fact) for fact in SOMETHING)


def set_aside(reason: Reason, arrived: Arrived) -> Rejected | Ignored:
    """Return a record that gives no row: ignored where it is understood, else rejected."""
    kind = Ignored if reason in IGNORED_REASONS else Rejected
    body = arrived.raw or dump_json(arrived.value)
    return kind(reason=reason, stage=STAGE, origin=arrived.origin, body=body, index=arrived.index)


Reader: TypeAlias = Callable[[Fields, tuple[str, ...]], Any]


def _reader(read: Callable[..., Any]) -> Reader:
    """Return a method of Fields as a reader of candidate names."""

    def reader(fields: Fields, names: tuple[str, ...]) -> Any:
        return read(fields, *names)

    return reader


TEXTS = [
    "request_id",
    "own_id",
    "method",
    "url",
    "api_id",
    "operation_id",
    "product_id",
    "subscription_id",
    "region",
    "app_id",
    "entra_tenant_id",
    "user_object_id",
    "client_ip",
    "backend_id",
    "backend_url",
    "requested_model",
    "served_model",
    "deployment",
    "service_response_id",
    "finish_reason",
    "response_content_type",
    "key",
    "answer_object",
    "operation_name",
]
WHOLE_NUMBERS = ("attempt", "request_bytes", "response_bytes", "request_cut_from", "response_cut_from")
TRUTHS = ("app_id_verified", "is_stream", "request_compacted", "response_compacted")
READERS: Mapping[str, Reader] = {
    **dict.fromkeys(TEXTS, _reader(Fields.text)),
    **dict.fromkeys(USAGE_PARTS, _reader(Fields.tokens)),
    **dict.fromkeys(WHOLE_NUMBERS, _reader(Fields.whole)),
    "status": lambda fields, names: number if (number := fields.whole(*names)) in HTTP_STATUSES else None,
    **dict.fromkeys(("messages", "prompt", "choices", "completion"), _reader(Fields.body)),
    **dict.fromkeys(("request_body", "response_body"), _reader(Fields.body)),
    **dict.fromkeys(("request_base64", "response_base64"), _reader(Fields.base64_body)),
    **dict.fromkeys(("request_headers", "response_headers"), _reader(Fields.headers)),
    **dict.fromkeys(TRUTHS, _reader(Fields.truth)),
    "duration_ms": _reader(Fields.milliseconds),
    "time": _reader(Fields.moment),
    "usage": _reader(Fields.raw),
    "custom": lambda fields, names: {name: text for name in names if (text := fields.text(name))},
    "custom_object": lambda fields, names: texts(fields.raw(*names)),
}
"""Every fact that a shape may say where to find. Those that are no attribute of `Record` are put together below."""
REQUEST_FACTS = ("request_body", "request_base64", "messages", "prompt")
RESPONSE_FACTS = ("response_body", "response_base64", "choices", "completion")


def _read(tells: Mapping[str, tuple[str, ...]], fields: Fields) -> Draft:
    """Return what a record tells, as attributes of `Record`."""
    draft: Draft = {fact: READERS[fact](fields, names) for fact, names in tells.items()}
    if "time" in tells and draft["time"] is None:
        draft["culture_times"] = fields.culture_moments(*tells["time"])
    if "custom_object" in draft:
        draft["custom"] = draft.pop("custom_object")
    if APIM_KEY.fullmatch(draft.get("subscription_id", "")):  # `context.Subscription.Key` is one word from the usual
        draft["key"] = draft.pop("subscription_id")
    draft["operation"] = _operation(draft)
    draft["stated"] = (
        read_usage(draft["operation"], {"usage": draft.pop("usage")}) if "usage" in draft else _stated(draft)
    )
    named = {name: tells.get(name, ()) for name in (*REQUEST_FACTS, *RESPONSE_FACTS)}
    draft["request_cut"] = any(fields.is_cut(*named[fact]) for fact in REQUEST_FACTS)
    draft["response_cut"] = any(fields.is_cut(*named[fact]) for fact in RESPONSE_FACTS)
    _put_bodies_together(draft)
    for fact in ("answer_object", "operation_name"):
        draft.pop(fact, None)
    return draft


def _put_bodies_together(draft: Draft) -> None:
    """Set both bodies: as they were logged, else out of the parts that were."""
    request, request_cut = request_of(draft.pop("messages", None), draft.pop("prompt", None))
    answer, answer_cut = answer_of(draft.pop("choices", None), draft.pop("completion", None), draft["operation"])
    draft["request_body"] = _first_body(draft, "request_body", "request_base64") or request
    draft["response_body"] = _first_body(draft, "response_body", "response_base64") or answer
    draft["request_cut"] = draft["request_cut"] or request_cut
    draft["response_cut"] = draft["response_cut"] or answer_cut


def _first_body(draft: Draft, *names: str) -> Json:
    bodies: list[Json] = [draft.pop(name, None) for name in names]
    return next((body for body in bodies if body), None)


def _stated(draft: Draft) -> Usage:
    """Return the numbers that a record states. No call costs nothing, so zeroes alone say that nothing was known."""
    parts = {part: draft.pop(name) for name, part in USAGE_PARTS.items() if name in draft}
    return Usage(**parts) if any(parts.values()) else Usage()


def _operation(draft: Draft) -> Operation:
    """Return the operation that a record states by the answer's `object` or hints at by its operation's name."""
    return operation_named(draft.get("answer_object", "")) or operation_named(draft.get("operation_name", ""))
