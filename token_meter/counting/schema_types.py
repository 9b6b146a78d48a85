"""JSON schemas as the TypeScript-like types that the service writes for a function's parameters.

    {                                     an object of which a part has a comment: a line a property
    // Title
    //
    // Description, a comment line a line
    name?: number | null, // minimum: 1
    }
    { a: string, b?: "x" | "y" }          one without: all on one line

Found on recorded calls. What none of them shows is written by analogy, and makes the type `unconfirmed`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from token_meter.counting.budget import Budget
from token_meter.counting.json_text import written
from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text

DEEPEST_SCHEMA = 24
"""Levels of a schema that are written out; what is deeper is `any`. Bounds hostile nesting and `$ref` loops."""
LONGEST_REFERENCE = 1_000
"""Characters of a `$ref` that is resolved."""

TRAILING = ("minimum", "maximum", "format", "default")
"""Keywords that become a comment behind a property."""
INLINE_JOINT = "|"
"""Between alternatives inside of an object on one line."""
SAID = frozenset({"title", "description", *TRAILING})
"""Keywords that become comments."""
CONFIRMED = frozenset(
    {
        "type", "properties", "items", "anyOf", "enum", "title", "description", "default", "minimum", "$ref", "$defs",
        "definitions", "required", "additionalProperties", "strict", "$schema",
    }
)  # fmt: skip
"""Keywords that recorded calls show, written or left out; any other makes the type unconfirmed."""


TYPE_LIST_LONG_UNTIL = datetime(2026, 3, 15, tzinfo=UTC)
TYPE_LIST_SHORT_SINCE = datetime(2026, 8, 1, tzinfo=UTC)
"""`"type": ["string", "null"]` was written as alternatives that each repeat the property's comment, and is no more: the
last recorded call with the one form and the first with the other. Without a time: as today."""


class TypeWriter:
    """Writes the types of one function's parameters; they are the root that `$ref`s point into."""

    def __init__(self, root: JsonObject, budget: Budget, *, when: datetime | None, comments: bool) -> None:
        """Begin. `comments` is False for the older snapshots, which write every object over several lines."""
        self.root = root
        self.when = when
        self.comments = comments
        self.confirmed = True
        self._budget = budget

    def parameters(self) -> str:
        """Return what stands between the brackets of the function's type; nothing where there are no parameters.

        Raises SchemaTooLarge.
        """
        if not self._properties(self.root):
            self.confirmed = not as_object(self.root.get("properties"))
            return ""
        self._know(self.root)
        head = self._comment(self.root) if self.comments else ""
        return f"_: {head}{self._object(self.root, 0)}"

    def _type(self, schema: JsonObject, depth: int, joint: str = " | ") -> str:
        """Return the type that a schema describes; `joint` stands between alternatives."""
        self._spend(schema)
        if depth > DEEPEST_SCHEMA:
            self.confirmed = False
            return "any"
        schema = self._resolved(schema)
        values = schema.get("enum")
        if isinstance(values, list) and values:
            self._budget.spend(len(values))
            self.confirmed = self.confirmed and all(isinstance(value, str) for value in values)
            return self._counted(" | ".join(written(value) for value in values))
        variants = self._variants(schema)
        if variants is not None:
            self.confirmed = self.confirmed and joint != INLINE_JOINT  # as a peer of ours has it; not recorded
            return joint.join(self._type(variant, depth + 1, joint) for variant in variants)
        kind = as_text(schema.get("type"))
        if kind == "array":
            return self._array(schema, depth, joint)
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        self.confirmed = self.confirmed and bool(kind)
        return self._counted({"integer": "number"}.get(kind, kind) or "any")

    def _object(self, schema: JsonObject, depth: int) -> str:
        """Return an object's type, on one line where nothing is said of any of its properties."""
        properties = self._properties(schema)
        if not properties:
            self.confirmed = False
            return "object"
        self.confirmed = self.confirmed and (self.comments or depth == 0)
        self._budget.spend(len(as_list(schema.get("required"))), sum(map(len, properties)))
        required = {name for name in as_list(schema.get("required")) if isinstance(name, str)}
        named = {name + ("" if name in required else "?"): item for name, item in properties.items()}
        if self.comments and not any(_speaks(item) for item in named.values()):
            inline = ", ".join(f"{name}: {self._type(item, depth + 1, INLINE_JOINT)}" for name, item in named.items())
            return f"{{ {inline} }}"
        lines = "\n".join(self._property(name, item, depth) for name, item in named.items())
        return f"{{\n{lines}\n}}"

    def _property(self, name: str, schema: JsonObject, depth: int) -> str:
        """Return a property with its comments: one line, or one for each alternative where they have comments."""
        variants = self._variants(schema)
        if variants is not None:
            alternatives = [self._type(variant, depth + 1) for variant in variants]
            limited = any(name in variant for variant in variants for name in TRAILING)
            if limited or any(map(_speaks, variants)) or any("\n" in alternative for alternative in alternatives):
                lines = "".join(map(self._alternative, variants, alternatives))
                return f"{self._comment(schema)}{name}:\n{lines},{self._trailing(schema)}"
        return f"{self._comment(schema)}{name}: {self._type(schema, depth + 1)},{self._trailing(schema)}"

    def _alternative(self, schema: JsonObject, alternative: str) -> str:
        titled = "".join(self._lines(as_text(schema.get(name))) for name in ("title", "description"))
        trailing = self._trailing(schema)
        return f"{titled} | {alternative}{',' if trailing else ''}{trailing}\n"

    def _array(self, schema: JsonObject, depth: int, joint: str) -> str:
        """Return an array's type; long where that of its items has several lines."""
        if not isinstance(schema.get("items"), dict):
            self.confirmed = False
            return "any[]"
        items = self._resolved(as_object(schema["items"]))
        of_items = self._type(items, depth + 1, joint)
        if "\n" in of_items or (_speaks(items) and self._properties(items)):
            return f"Array<\n{self._comment(items)}{of_items}\n>"
        self.confirmed = self.confirmed and " | " not in of_items
        return f"{of_items}[]"

    def _properties(self, schema: JsonObject) -> Mapping[str, JsonObject]:
        """Return an object's properties; those that are objects without properties of their own are left out."""
        self._spend(as_object(schema.get("properties")))
        resolved = {name: self._resolved(as_object(item)) for name, item in as_object(schema.get("properties")).items()}
        return {name: item for name, item in resolved.items() if not _is_empty_object(item)}

    def _variants(self, schema: JsonObject) -> list[JsonObject] | None:
        """Return the alternatives of a schema, or None where it is one thing."""
        for keyword in ("anyOf", "oneOf"):
            if isinstance(schema.get(keyword), list):
                variants = [self._resolved(as_object(item)) for item in as_list(schema[keyword])]
                return [variant for variant in variants if not _is_empty_object(variant)]
        kinds = schema.get("type")
        if not isinstance(kinds, list):
            return None
        self._spend(schema, len(kinds))
        said = schema
        if self.when is None or self.when >= TYPE_LIST_LONG_UNTIL:
            self.confirmed = False
            if self.when is None or self.when >= TYPE_LIST_SHORT_SINCE:
                said = {name: item for name, item in schema.items() if name not in SAID}
        return [{**said, "type": kind} for kind in kinds if isinstance(kind, str)]

    def _resolved(self, schema: JsonObject) -> JsonObject:
        """Return what a `$ref` into the function's own parameters points at; anything else as it is."""
        for _ in range(DEEPEST_SCHEMA):
            self._spend(schema)
            self._know(schema)
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            target = self._at(reference)
            self._spend(target)
            beside = {name: item for name, item in schema.items() if name != "$ref"}
            self.confirmed = self.confirmed and not beside and bool(target)
            schema = {**target, **beside} if beside else target
        self.confirmed = False
        return {}

    def _at(self, reference: str) -> JsonObject:
        """Return what a reference into the function's own parameters points at, or nothing."""
        if not reference.startswith("#/") or len(reference) > LONGEST_REFERENCE:
            return {}
        steps = reference[2:].split("/")
        self._budget.spend(len(steps))
        target = self.root
        for step in steps:
            target = as_object(target.get(step))
        return target

    def _comment(self, schema: JsonObject) -> str:
        """Return the comment over a property or an object: title, a blank line, description."""
        title = as_text(schema.get("title")) if self.comments else ""
        description = as_text(schema.get("description"))
        separator = "//\n" if title and description else ""
        return self._lines(title) + separator + self._lines(description)

    def _trailing(self, schema: JsonObject) -> str:
        """Return the comment behind a property."""
        if not self.comments:
            return ""
        said = [_said(name, schema[name]) for name in TRAILING if name in schema]
        self.confirmed = self.confirmed and len(said) <= 1 and ("minimum" not in schema or "description" in schema)
        return self._counted(f" // {', '.join(said)}" if said else "")

    def _spend(self, schema: JsonObject, times: int = 1) -> None:
        self._budget.spend((1 + len(schema)) * times)

    def _know(self, schema: JsonObject) -> None:
        self.confirmed = self.confirmed and (not self.comments or schema.keys() <= CONFIRMED)

    def _lines(self, text: str) -> str:
        """Return a text as comment lines; one of blanks has none, and is read nevertheless."""
        self._budget.spend(0, len(text))
        return comment_lines(text)

    def _counted(self, text: str) -> str:
        self._budget.spend(0, len(text))
        return text


def comment_lines(text: str) -> str:
    """Return a text as comment lines, each stripped; nothing for no text."""
    lines = text.strip().split("\n") if text else []
    return "".join(f"// {line.strip()}".rstrip() + "\n" for line in lines)


def _speaks(schema: JsonObject) -> bool:
    """Tell whether anything is said of a property, so that it needs a line of its own."""
    return "default" in schema or any(as_text(schema.get(name)) for name in ("title", "description"))


def _is_empty_object(schema: JsonObject) -> bool:
    return schema.get("type") == "object" and not as_object(schema.get("properties"))


def _said(name: str, value: Json) -> str:
    return f"{name}: {as_text(value) if name == 'format' else written(value)}"
