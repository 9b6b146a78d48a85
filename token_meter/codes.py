"""The closed lists: every code that a row, a rejection or an ignored record can carry.

Analysts group by these words and alerts watch them, so a code is added here with its meaning, or it does not exist.
"""

from enum import StrEnum
from typing import Self


class Source(StrEnum):
    """Where a number comes from (promise 3 of the design), best first."""

    REPORTED = "reported"
    COUNTED = "counted"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


class Charged(StrEnum):
    """Whether the service charges the call."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class RejectedOutcome(StrEnum):
    """What became of a record that was rejected once."""

    REJECTED = "rejected"
    METERED = "metered"
    IGNORED = "ignored"


class Via(StrEnum):
    """What read the events of a batch."""

    TRIGGER = "trigger"
    CONSUME = "consume"
    REPLAY = "replay"
    FILES = "files"


class AppIdSource(StrEnum):
    """What vouches for the application id."""

    VALIDATED = "validated"
    UNVERIFIED_TOKEN = "unverified_token"  # noqa: S105 - a code, no password
    DECLARED = "declared"
    KEY_HASH = "key_hash"
    NONE = "none"


class Kind(StrEnum):
    """How much of a call a record shows."""

    EXCHANGE = "exchange"
    REQUEST = "request"
    RESPONSE = "response"


class Operation(StrEnum):
    """What the call asked for; empty where nothing tells."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    RESPONSES = "responses"
    MESSAGES = "messages"
    IMAGES = "images"
    TRANSCRIPTION = "transcription"
    SPEECH = "speech"
    UNKNOWN = ""


class Explained(StrEnum):
    """Codes that each have a meaning, which feeds the generated documentation."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """Make a member out of its code and its meaning."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


class Note(Explained):
    """Why a row is as it is."""

    ABORTED = "aborted", "The stream ended without a finish reason; what was sent is counted."
    CUT = "cut", "Part of a body did not reach the meter."
    LOWER_BOUND = "lower_bound", "The service charges at least this much; the rest is not in the record."
    DEFAULT_ENCODING = "default_encoding", "Nothing named a known model, so the default tokenizer was used."
    MODEL_FROM_DEPLOYMENT = "model_from_deployment", "Only the deployment's name hinted at the model."
    MODEL_FROM_SETTINGS = (
        "model_from_settings",
        "The answer does not name its model; the settings say which one the deployment has.",
    )
    MODEL_UNKNOWN = "model_unknown", "No evidence of the model in the record."
    REQUEST_UNSEEN = "request_unseen", "The request is not in this record."
    IDENTITY_BY_CONTENT = "identity_by_content", "Nothing identified the call, so a hash of the record does."
    TIME_UNKNOWN = "time_unknown", "The record states that it has no time; the call is in no period."
    TIME_FROM_ARRIVAL = "time_from_arrival", "The record has no time of its own; the event's time of arrival stands in."
    TIME_FROM_BODY = "time_from_body", "The record has no time of its own; the service's `created` stands in."
    UNVERIFIABLE_TOKEN = "unverifiable_token", "An Authorization header held a token that could not be read."
    MEDIA_NOT_COUNTED = "media_not_counted", "Images, audio or files are part of the prompt and are not counted."
    FOREIGN_TOKENIZER = "foreign_tokenizer", "The model's vendor has a tokenizer of its own; another one counted."
    SCHEMA_TOO_LARGE = "schema_too_large", "The tools unfold into more than the meter writes out; their JSON stands in."
    TEXT_TOO_LARGE = (
        "text_too_large",
        "More text, or a longer name, than is tokenized; the rest is estimated by its length.",
    )
    PROMPT_ELSEWHERE = "prompt_elsewhere", "Part of the prompt lies with the service and is not in the record."
    BUILT_IN_TOOL = "built_in_tool", "A tool of the service's own adds tokens that the record does not show."
    INEXACT_FORMULA = "inexact_formula", "The formula for this form of call is known to be off by some tokens."
    COUNT_FAULT = "count_fault", "The counter failed on this call: a defect to report; its numbers are unknown."
    CUSTOM_DROPPED = "custom_dropped", "The customer's dimensions were larger than a row may carry, and were left out."
    INCONSISTENT_USAGE = (
        "inconsistent_usage",
        "The service's own numbers contradict each other; they are kept as reported.",
    )
    PLACEHOLDER = "placeholder", "A placeholder of the gateway's policy (`NA`, a zero GUID, default tokens) is no data."
    GATEWAY_COUNTED = "gateway_counted", "The gateway counted these tokens itself; the service did not report them."
    PIECE = "piece", "A piece of a body, counted apart from the others; the fold adds them up."
    TIME_DIFFERS = (
        "time_differs",
        "The record's own time names no zone and is far from that of arrival, which was taken; `record_time=` has it.",
    )
    ZONE_ASSUMED = "zone_assumed", "The record's time names no zone, and UTC was assumed."
    KEY_DROPPED = "key_dropped", "The caller is known by a key only, and there is no setting to hash it with."
    UNKNOWN_FIELD = "unknown_field", "The call holds a field, or content of a kind, that no counting rule knows."
    CALLER_REMOVED = (
        "caller_removed",
        "Read from a dead letter, from which the token or key that tells the caller was removed.",
    )
    UNCONFIRMED_FORMULA = "unconfirmed_formula", "No recorded call of this model and form confirms how it is counted."
    PREVIOUS_RESPONSE_ID = "previous_response_id", "The prompt goes on from an earlier answer that the service keeps."
    REMOTE_IMAGE = "remote_image", "An image is given by its address; its size, and so its tokens, are not known."
    PDF = "pdf", "A file is part of the prompt; what its pages cost is not in the record."
    CHARGED_BY_DURATION = (
        "charged_by_duration",
        "The service reported seconds: it charges by them, and there are no tokens.",
    )
    NOT_A_NAME = "not_a_name", "A column of names was given another text; it is empty or holds a hash in its place."
    SPILLED_OVER = "spilled_over", "A provisioned deployment was busy and another one answered, at another price."


class Reason(Explained):
    """Why a record gave no row."""

    # rejected: kept as dead letters, metered by a replay once mended
    EMPTY_EVENT = "empty_event", "The event has no bytes."
    NOT_JSON = "not_json", "The bytes are not JSON and not another known form."
    NOT_A_RECORD = (
        "not_a_record",
        "JSON, but no object (or a list or envelope of objects), or too many values for its size.",
    )
    UNKNOWN_SHAPE = "unknown_shape", "An object that no known shape of record explains."
    UNKNOWN_VERSION = "unknown_version", "A canonical record of a version that this meter does not read."
    UNKNOWN_KIND = "unknown_kind", "A canonical record whose kind is not exchange, request or response."
    NO_TIME = "no_time", "No time in the record, none of arrival, none in the body."
    TOO_DEEP = "too_deep", "JSON nested too deeply to be a record."
    METER_FAULT = "meter_fault", "The meter failed on this record: a defect to report."
    ROW_REFUSED = "row_refused", "The store refuses the record's row for what it holds: a defect to report."
    IDENTITY_REMOVED = (
        "identity_removed",
        "Only its bytes identify the call, and its dead letter lacks some: replay the hub, its capture or the file.",
    )
    # ignored: understood, and not usage
    NOT_USAGE = "not_usage", "A record that by design tells nothing of a model call."
    JOINED = "joined", "A piece of a body that was joined into another record's row."
    NOT_A_MODEL_CALL = "not_a_model_call", "A call to a path that serves no model (lists, files, health probes)."


IGNORED_REASONS = frozenset({Reason.NOT_USAGE, Reason.JOINED, Reason.NOT_A_MODEL_CALL})
"""Reasons of records that are understood; every other one is a rejection."""


class Measure(StrEnum):
    """What is compared with a service's own metrics."""

    PROMPT_TOKENS = "prompt_tokens"
    COMPLETION_TOKENS = "completion_tokens"
    TOTAL_TOKENS = "total_tokens"
    CALLS = "calls"


class Reconciled(StrEnum):
    """How the meter's number and the service's metric stand to each other."""

    MATCHED = "matched"
    DRIFT = "drift"
    ONLY_SERVICE = "only_service"
    ONLY_METER = "only_meter"
    TOO_EARLY = "too_early"


class Attribution(StrEnum):
    """By what the account of metered calls is known."""

    BACKEND = "backend"
    DEPLOYMENT = "deployment"
    NONE = ""


class DriftReason(Explained):
    """Why the meter and the service's metrics may differ."""

    EVENTS_MISSING = "events_missing", "The ledger has holes that day: events that were never metered."
    ROWS_NOT_STORED = "rows_not_stored", "Rows of that day were accepted and are not in the table."
    RECORDS_REJECTED = "records_rejected", "Records of that day could not be metered, and no replay has read them."
    USAGE_UNKNOWN = "usage_unknown", "Charged calls whose tokens nobody knows."
    USAGE_NOT_REPORTED = "usage_not_reported", "Tokens that the meter counted or estimated; the service reported none."
    ATTEMPTS_REPEATED = (
        "attempts_repeated",
        "The gateway tried calls again: the service may have charged an attempt whose answer nobody saw.",
    )
    OUTSIDE_THE_GATEWAY = (
        "outside_the_gateway",
        "The service had more calls than the gateway sent, and the meter misses none: somebody calls it directly.",
    )
    NOT_SERVED = "not_served", "Calls that the service does not charge; the gateway may have refused them by itself."
    BACKEND_UNKNOWN = (
        "backend_unknown",
        "Metered calls of this deployment that no account can be found for; they are in rows without an account.",
    )
    OTHER_NAME = (
        "other_name",
        "Only one side knows this deployment, and only the other side knows another one: the gateway may rename it.",
    )
    ACROSS_MIDNIGHT = "across_midnight", "Calls that began on one day and ended on the next."
    OTHER_DEFINITION = (
        "other_definition",
        "Audio tokens, or cached tokens of models that are not OpenAI's: the service may count them apart.",
    )
    SPILLED_OVER = "spilled_over", "Calls that another deployment answered; the metrics may count them there."
    UNEXPLAINED = "unexplained", "Nothing that the meter knows of explains it."
