"""What a record out of a dead letter lacks, and what that must not do to its row.

A letter keeps a record's bytes less the secrets in them. So they are not always the bytes that arrived: what they
identify may be another call, and what is counted in them may be less.
"""

from dataclasses import replace

from token_meter.codes import Note
from token_meter.jsontypes import Json, dump_json
from token_meter.record import Record
from token_meter.row import UsageRow
from token_meter.secrets import REMOVED
from token_meter.shapes import Decoded


def with_gaps(item: Decoded) -> Decoded:
    """Return a record whose bodies count as cut where a secret was taken out of them."""
    letter = item.origin.letter
    if letter is None or not letter.scrubbed or not isinstance(item, Record):
        return item
    return replace(
        item,
        request_cut=item.request_cut or _has_gap(item.request_body),
        response_cut=item.response_cut or _has_gap(item.response_body),
    )


def _has_gap(body: Json) -> bool:
    return REMOVED.encode() in dump_json(body)


def lost_its_identity(record: Record, row: UsageRow) -> bool:
    """Tell a call that nothing but its bytes identifies, where they are not those that arrived.

    Metered, it would be another call than the same event is when the hub or the file is read again.
    """
    letter = record.origin.letter
    return letter is not None and letter.scrubbed and Note.IDENTITY_BY_CONTENT in (row.notes or ())
