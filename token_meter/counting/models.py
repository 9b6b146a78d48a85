"""Which model a call ran, as far as its record tells, and how sure that is."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from token_meter.codes import Note, Operation
from token_meter.counting.dialects import CHAT_0301, CHAT_0613
from token_meter.counting.families import (
    AZURE_EMBEDDING_ADA,
    DEFAULT_ENCODING,
    Family,
    Style,
    family_hinted_by,
    family_of,
    normalised,
)
from token_meter.counting.tools import chat_tools
from token_meter.exchange import Exchange
from token_meter.jsontypes import as_object

RETIRED_0301 = datetime(2025, 2, 13, tzinfo=UTC)
"""Azure's last day of gpt-35-turbo 0301 ("Azure OpenAI model retirements")."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model's name and family; `notes` say why a count that rests on them is an estimate."""

    name: str
    family: Family
    notes: tuple[Note, ...] = ()


def model_of(exchange: Exchange) -> Model:
    """Return the model by the best evidence there is, else what the deployment's name hints at, else the default."""
    for name, notes in _named(exchange):
        family = family_of(name)
        if family is not None:
            family = _of_azure(exchange, name, family)
            return Model(normalised(name), family, (*_doubts(family), *notes))
    family = family_hinted_by(exchange.deployment)
    if family is not None:
        return Model(family.prefix, family, (Note.MODEL_FROM_DEPLOYMENT, Note.MODEL_UNKNOWN))
    default = Family("", DEFAULT_ENCODING, Style.CHAT, "default", confirmed=False)
    return Model("", default, (Note.DEFAULT_ENCODING, Note.MODEL_UNKNOWN))


def _named(exchange: Exchange) -> tuple[tuple[str, tuple[Note, ...]], ...]:
    """Return the names of the model that a call has, best evidence first, and what is doubtful of each.

    The served model, the requested one, the one that the settings map the deployment to. On Azure a request names a
    deployment, whose name may hint at a model and is no evidence of one: there the settings speak before it. Those may
    be out of date where a deployment was upgraded, so that such a count is an estimate too.
    """
    served, mapped = (exchange.served_model, ()), (exchange.mapped_model, (Note.MODEL_FROM_SETTINGS,))
    if exchange.azure:
        return served, mapped, (exchange.requested_model, (Note.MODEL_FROM_DEPLOYMENT,))
    return served, (exchange.requested_model, ()), mapped


def _doubts(family: Family) -> tuple[Note, ...]:
    if family.style is Style.FOREIGN:
        return (Note.FOREIGN_TOKENIZER,)
    return () if family.confirmed else (Note.UNCONFIRMED_FORMULA,)


def _of_azure(exchange: Exchange, name: str, family: Family) -> Family:
    """Return the family that Azure means by a name without a date, which is not always OpenAI's."""
    plain = normalised(name)
    if plain == "ada" and exchange.operation is Operation.EMBEDDINGS:
        return AZURE_EMBEDDING_ADA
    if not exchange.azure:
        return family
    if plain == "gpt-3.5-turbo" and exchange.time is not None and exchange.time < RETIRED_0301:
        tools = chat_tools(as_object(exchange.request)).offered  # which the snapshot of 2023-03 did not know
        return replace(family, chat=CHAT_0613 if tools else CHAT_0301, confirmed=False)
    return replace(family, confirmed=False) if plain == "gpt-4" else family
