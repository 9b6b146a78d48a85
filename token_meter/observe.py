"""A record into its usage row: the stages between decoding and the sinks, in order."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from token_meter.audit import audit, is_sampled
from token_meter.charging import charged_of, finish_reason_of
from token_meter.codes import Charged, Note, Operation, Reason, Source
from token_meter.exchange import Exchange
from token_meter.identity import bounded, call_id_of, event_id_of, read_caller
from token_meter.jsontypes import as_object, as_real, as_text, dump_json
from token_meter.names import Names
from token_meter.numbers import Numbers, number
from token_meter.operations import operation_of_path, runs_no_model
from token_meter.options import DEFAULTS, MeterOptions
from token_meter.pieces import read_piece
from token_meter.reading import read_exchange
from token_meter.record import Ignored, Record, Rejected
from token_meter.row import UsageRow
from token_meter.secrets import scrub_text
from token_meter.tiers import is_spilled_over, service_tier_of
from token_meter.times import from_epoch
from token_meter.usage import Usage, completed, read_usage
from token_meter.version import METER_REVISION, VERSION

NO_TIME_AT_ALL = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands where a record declares that it has no time: in no period that anyone bills."""
CLOSE_TO_ARRIVAL = timedelta(minutes=5)
"""Records are written as the call goes; a time further from that of arrival is in another zone, or wrong."""
LARGEST_CUSTOM = 8_192
"""Bytes of JSON; far below the 64 KB at which Log Analytics cuts a field."""
MOST_CUSTOM = 32

Verdict = TypeVar("Verdict", Rejected, Ignored)


def observe(record: Record, options: MeterOptions = DEFAULTS) -> UsageRow | Rejected | Ignored:
    """Return the row that a record gives, or why it gives none."""
    if _reads_or_administers(record):
        return _set_aside(Ignored, record, Reason.NOT_A_MODEL_CALL)
    exchange = read_exchange(record, options) if record.piece is None else read_piece(record)
    usage, source = _usage_of(record, exchange)
    if record.any_api and not usage.reported and _is_of_another_api(record, exchange):
        return _set_aside(Ignored, record, Reason.NOT_A_MODEL_CALL)
    call_time, time_notes = _time_of(record, exchange)
    if call_time is None:
        return _set_aside(Rejected, record, Reason.NO_TIME)
    charged = charged_of(exchange, usage)
    numbers = number(exchange, usage, source, charged)
    return _row(record, exchange, call_time, charged, numbers, time_notes, options)


def _reads_or_administers(record: Record) -> bool:
    """Tell a call that runs no model: by its method, else by a path that is known to run none."""
    if record.method and record.method.upper() != "POST":
        return True
    urls = (record.url, record.backend_url)
    return not any(operation_of_path(url) for url in urls) and any(runs_no_model(url) for url in urls)


def _set_aside(kind: type[Verdict], record: Record, reason: Reason) -> Verdict:
    return kind(reason=reason, stage="observe", origin=record.origin, body=record.body, index=record.index)


def _usage_of(record: Record, exchange: Exchange) -> tuple[Usage, Source]:
    """Return the usage in the answer's body, else what the record states, and what vouches for it."""
    usage = read_usage(exchange.operation, exchange.response)
    if usage.reported or not record.stated.reported:
        return usage, Source.REPORTED
    return completed(record.stated, exchange.operation), record.stated_source


def _is_of_another_api(record: Record, exchange: Exchange) -> bool:
    """Tell a call of an API that serves no model: by a path or an answer that no model API has."""
    if exchange.operation is not Operation.UNKNOWN:
        return False
    answer = as_object(exchange.response)
    return bool(record.url) or (bool(answer) and "error" not in answer)


def _time_of(record: Record, exchange: Exchange) -> tuple[datetime | None, tuple[str, ...]]:
    """Return the call's time and what stood in for it: the record's, that of arrival, that of the answer."""
    if record.time is not None:
        return record.time, ()
    arrival = record.origin.enqueued_time
    if arrival is not None and record.culture_times:
        nearest = min(abs(moment - arrival) for moment in record.culture_times)
        stated = f"record_time={record.culture_times[0]:%Y-%m-%dT%H:%M:%S}"
        return arrival, () if nearest <= CLOSE_TO_ARRIVAL else (Note.TIME_DIFFERS.value, stated)
    if arrival is not None:
        return arrival, (Note.TIME_FROM_ARRIVAL.value,)
    if record.culture_times:
        return record.culture_times[0], (Note.ZONE_ASSUMED.value,)
    response = as_object(exchange.response)
    created = from_epoch(as_real(response.get("created")) or as_real(response.get("created_at")))
    if created is not None:
        return created, (Note.TIME_FROM_BODY.value,)
    if record.time_declared_unknown:
        return NO_TIME_AT_ALL, (Note.TIME_UNKNOWN.value,)
    return None, ()


def _row(  # noqa: PLR0913, PLR0917 - one argument a stage, put together once
    record: Record,
    exchange: Exchange,
    call_time: datetime,
    charged: Charged,
    numbers: Numbers,
    time_notes: tuple[str, ...],
    options: MeterOptions,
) -> UsageRow:
    response = as_object(exchange.response)
    service_response_id = as_text(response.get("id")) or record.service_response_id
    call_id, identity_notes = call_id_of(record, service_response_id)
    caller = read_caller(record, options)
    details = numbers.details
    event_id = event_id_of(record, call_id, service_response_id)
    errors = _audit(exchange, numbers, event_id, options)
    custom = _custom(record.custom)
    names = Names()
    client_ip = options.personal(options.client_ip, "client_ip", record.client_ip)
    user_object_id = options.personal(options.user_object_id, "user_object_id", caller.user_object_id)
    row = UsageRow(
        time_generated=call_time,
        call_time=call_time,
        event_id=event_id,
        call_id=call_id,
        attempt=record.attempt,
        service_response_id=names.identity(service_response_id),
        record_shape=record.shape,
        app_id=names.name(caller.app_id),
        app_id_source=caller.source,
        entra_tenant_id=names.name(caller.entra_tenant_id),
        user_object_id=names.name(user_object_id),
        apim_subscription=names.name(record.subscription_id),
        product=names.name(record.product_id),
        api_id=names.name(record.api_id),
        client_ip=names.name(client_ip),
        custom=custom,
        operation_name=(exchange.operation if record.piece is None else record.operation).value,
        deployment=exchange.deployment,
        requested_model=exchange.requested_model,
        served_model=exchange.served_model,
        backend=names.name(record.backend_id or _host_of(record.backend_url)),
        region=names.name(record.response_headers.get("x-ms-region", "") or record.region),
        service_tier=names.name(service_tier_of(record, exchange)),
        is_spilled_over=is_spilled_over(record),
        status_code=record.status,
        is_stream=exchange.is_stream,
        duration_ms=record.duration_ms,
        finish_reason=names.identifier(finish_reason_of(exchange) or record.finish_reason),
        charged=charged,
        prompt_tokens=numbers.prompt.tokens,
        completion_tokens=numbers.completion.tokens,
        total_tokens=numbers.total.tokens,
        cached_tokens=details.cached,
        cache_write_tokens=details.cache_write,
        reasoning_tokens=details.reasoning,
        audio_prompt_tokens=details.audio_prompt,
        audio_completion_tokens=details.audio_completion,
        image_tokens=details.image,
        prompt_source=numbers.prompt.source,
        completion_source=numbers.completion.source,
        total_source=numbers.total.source,
        tokenizer=numbers.prompt.tokenizer or numbers.completion.tokenizer,
        audit_prompt_error=errors.get("prompt"),
        audit_completion_error=errors.get("completion"),
        event_hub=bounded(record.origin.hub),
        partition=bounded(record.origin.partition),
        sequence_number=record.origin.sequence_number,
        record_index=record.index,
        enqueued_time=record.origin.enqueued_time,
        meter_version=VERSION,
        meter_revision=METER_REVISION,
    )
    notes: set[str] = {*record.notes, *exchange.notes, *time_notes, *identity_notes, *caller.notes, *details.notes}
    notes |= {*numbers.prompt.notes, *numbers.completion.notes}
    told = {
        Note.PIECE: record.piece is not None and not details.reported,
        Note.CUSTOM_DROPPED: custom is None and bool(record.custom),
        Note.NOT_A_NAME: names.refused,
    }
    notes |= {note for note, holds in told.items() if holds}
    return replace(row, notes=tuple(sorted(str(note) for note in notes)) or None)


def _audit(exchange: Exchange, numbers: Numbers, event_id: str, options: MeterOptions) -> Mapping[str, int | None]:
    """Return how far the counter is off on the sides that the service reported, if the call is in the sample."""
    reported = Source.REPORTED in (numbers.prompt.source, numbers.completion.source)
    if not reported or exchange.request is None or not is_sampled(event_id, options.audit_sample):
        return {}
    return {audited.side: audited.error for audited in audit(exchange, numbers.details)}


def _custom(custom: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return the customer's dimensions, or None where there are none or more than a row may carry."""
    if not custom or len(custom) > MOST_CUSTOM or len(dump_json(dict(custom))) > LARGEST_CUSTOM:
        return None
    return {bounded(name): bounded(scrub_text(value)) for name, value in custom.items()}


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
