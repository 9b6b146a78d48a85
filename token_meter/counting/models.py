"""Which model a call ran, as far as its record tells, and how sure that is."""

from dataclasses import dataclass

from token_meter.codes import Note
from token_meter.counting.families import DEFAULT_ENCODING, Family, Style, family_hinted_by, family_of, normalised
from token_meter.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Model:
    """A model's name and family; `notes` say why a count that rests on them is an estimate."""

    name: str
    family: Family
    notes: tuple[Note, ...] = ()


def model_of(exchange: Exchange) -> Model:
    """Return the served model, else the requested one, else what the deployment's name hints at, else the default."""
    for name in (exchange.served_model, exchange.requested_model):
        family = family_of(name)
        if family is not None:
            foreign = (Note.FOREIGN_TOKENIZER,) if family.style is Style.FOREIGN else ()
            hinted = exchange.azure and name == exchange.deployment and name != exchange.served_model
            return Model(normalised(name), family, foreign or ((Note.MODEL_FROM_DEPLOYMENT,) if hinted else ()))
    family = family_hinted_by(exchange.deployment)
    if family is not None:
        return Model(family.prefix, family, (Note.MODEL_FROM_DEPLOYMENT, Note.MODEL_UNKNOWN))
    default = Family("", DEFAULT_ENCODING, Style.CHAT, "default")
    return Model("", default, (Note.DEFAULT_ENCODING, Note.MODEL_UNKNOWN))
