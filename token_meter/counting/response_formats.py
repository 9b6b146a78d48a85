"""JSON schemas that a request asks its answer to follow, as the service writes them into the prompt.

# Response Formats

## NAME

// description
{"type":"object","properties":{…}}        without the keywords that only the sampler needs
"""

from token_meter.counting.json_text import written
from token_meter.jsontypes import Json, JsonObject, as_object, as_text

DROPPED = frozenset(
    {
        "required", "additionalProperties", "default", "minItems", "maxItems", "uniqueItems", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "format",
        "minProperties", "maxProperties", "$schema",
    }
)  # fmt: skip
"""Keywords that the service leaves out of a schema when it writes it down."""
CONFIRMED = frozenset(
    {
        "type", "properties", "items", "anyOf", "enum", "title", "description", "$defs", "definitions", "$ref", "const",
        "strict", "name", "required", "additionalProperties", "default", "minimum", "maximum", "minItems", "maxItems",
    }
)  # fmt: skip
"""Keywords that recorded calls show kept or dropped; others make the section unconfirmed."""
OF_NAMES = frozenset({"properties", "$defs", "definitions"})
"""Keywords whose value's keys are the caller's own names."""
DEEPEST_SCHEMA = 100


def chat_schema(request: JsonObject) -> JsonObject | None:
    """Return the named schema (`name`, `schema`, …) that a chat request asks for, or None."""
    wanted = as_object(request.get("response_format"))
    return as_object(wanted.get("json_schema")) if wanted.get("type") == "json_schema" else None


def responses_schema(request: JsonObject) -> JsonObject | None:
    """Return the named schema that a Responses request asks for, or None."""
    wanted = as_object(as_object(request.get("text")).get("format"))
    return wanted if wanted.get("type") == "json_schema" else None


def schema_section(named: JsonObject, *, escaped: bool) -> str:
    """Return the section that a named schema becomes."""
    description = as_text(named.get("description"))
    comment = f"// {description}\n" if description else ""
    schema = written(_kept(named.get("schema"), 0), escaped=escaped)
    return f"# Response Formats\n\n## {as_text(named.get('name'))}\n\n{comment}{schema}"


def is_confirmed(schema: Json, depth: int = 0, *, names: bool = False) -> bool:
    """Tell whether recorded calls show every keyword of a schema. `names` says that its keys are the caller's names."""
    if depth > DEEPEST_SCHEMA:
        return False
    if isinstance(schema, list):
        return all(is_confirmed(item, depth + 1) for item in schema)
    if not isinstance(schema, dict):
        return True
    return all(
        (names or name in CONFIRMED) and is_confirmed(item, depth + 1, names=not names and name in OF_NAMES)
        for name, item in schema.items()
        if names or name not in {"default", "const", "enum", "required"}
    )


def _kept(schema: Json, depth: int, *, names: bool = False) -> Json:
    """Return a schema without what the service leaves out. `names` says that the keys are the caller's names."""
    if depth > DEEPEST_SCHEMA:
        return None
    if isinstance(schema, list):
        return [_kept(item, depth + 1) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Json] = {}
    for name, item in schema.items():
        if names or name not in DROPPED:
            kept[name] = _kept(item, depth + 1, names=not names and name in OF_NAMES)
    return kept
