"""JSON schemas that a request asks its answer to follow, as the service writes them into the prompt (formula P5)."""

import json

from token_meter.jsontypes import Json, JsonObject, as_object, as_text

DROPPED = frozenset(
    {
        "required",
        "additionalProperties",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "default",
        "minProperties",
        "maxProperties",
        "$schema",
        "strict",
    }
)
"""Keywords that the service leaves out of a schema when it writes it down."""
DEEPEST_SCHEMA = 100


def schema_of(request: JsonObject) -> JsonObject | None:
    """Return the named schema (`name`, `schema`, …) that a chat request asks for, or None."""
    wanted = as_object(request.get("response_format"))
    if as_text(wanted.get("type")) != "json_schema":
        return None
    return as_object(wanted.get("json_schema"))


def schema_section(named: JsonObject) -> str:
    """Return the section that a named schema becomes."""
    description = as_text(named.get("description"))
    comment = f"// {description}\n" if description else ""
    written = json.dumps(_kept(named.get("schema"), 0), separators=(",", ":"), ensure_ascii=False)
    return f"# Response Formats\n\n## {as_text(named.get('name'))}\n\n{comment}{written}"


def _kept(schema: Json, depth: int, *, names: bool = False) -> Json:
    """Return a schema without what the service leaves out. `names` says that the keys are the customer's names."""
    if depth > DEEPEST_SCHEMA:
        return None
    if isinstance(schema, list):
        return [_kept(item, depth + 1) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Json] = {}
    for name, item in schema.items():
        if names or name not in DROPPED:
            kept[name] = _kept(item, depth + 1, names=not names and name in ("properties", "$defs", "definitions"))
    return kept
