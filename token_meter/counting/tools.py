"""Function tools as the service writes them into the prompt: a TypeScript-like block (formula P3)."""

import json
from collections.abc import Iterable

from token_meter.jsontypes import Json, JsonObject, as_list, as_object, as_text

DEEPEST_SCHEMA = 24
"""Levels of a schema that are written out; what is deeper is `any`. Bounds hostile nesting and `$ref` loops."""
MOST_SCHEMA_NODES = 20_000
"""Nodes written out for one request, `$ref`s resolved; a schema that unfolds into more is not counted."""


class SchemaTooLarge(Exception):  # noqa: N818 - it names a property of the schema
    """The tools' schemas unfold into more than the meter writes out."""


def tools_block(functions: Iterable[JsonObject]) -> str:
    """Return the block that a request's functions become. Raises SchemaTooLarge."""
    written = "".join(_Writer(function).declaration() for function in functions)
    return f"# Tools\n\n## functions\n\nnamespace functions {{\n\n{written}}} // namespace functions"


def functions_of(request: JsonObject) -> list[JsonObject]:
    """Return the functions that a chat request offers, as `tools` or as the older `functions`."""
    tools = [as_object(tool) for tool in as_list(request.get("tools"))]
    offered = [as_object(tool.get("function")) for tool in tools if isinstance(tool.get("function"), dict)]
    return offered + [as_object(function) for function in as_list(request.get("functions"))]


class _Writer:
    """Writes one function's declaration; its parameters are the root that `$ref`s point into."""

    def __init__(self, function: JsonObject) -> None:
        self.function = function
        self.root = as_object(function.get("parameters"))
        self.nodes = 0

    def declaration(self) -> str:
        """Return the function's comment and type."""
        name = as_text(self.function.get("name"))
        comment = comment_lines(as_text(self.function.get("description")))
        if not as_object(self.root.get("properties")):
            return f"{comment}type {name} = () => any;\n\n"
        head = comment_lines(as_text(self.root.get("title"))) + comment_lines(as_text(self.root.get("description")))
        start = f"\n{head}" if head else ""
        return f"{comment}type {name} = (_: {start}{self.object_type(self.root, 0)}) => any;\n\n"

    def object_type(self, schema: JsonObject, depth: int) -> str:
        """Return an object's type, on one line where none of its properties has anything to say."""
        properties = {name: self.resolve(as_object(item)) for name, item in as_object(schema.get("properties")).items()}
        if not properties:
            return "object"
        required = {name for name in as_list(schema.get("required")) if isinstance(name, str)}
        optional = {name: "" if name in required else "?" for name in properties}
        if not any(_speaks(item) for item in properties.values()):
            inline = (f"{name}{optional[name]}: {self.type_of(item, depth, '|')}" for name, item in properties.items())
            return "{ " + ", ".join(inline) + " }"
        lines = "\n".join(self.property_lines(name + optional[name], item, depth) for name, item in properties.items())
        return "{\n" + lines + "\n}"

    def property_lines(self, name: str, schema: JsonObject, depth: int) -> str:
        """Return a property with its comments, one line or several."""
        title, description = as_text(schema.get("title")), as_text(schema.get("description"))
        comment = comment_lines(title) + ("//\n" if title and description else "") + comment_lines(description)
        variants = self.variants(schema)
        if variants is not None:
            written = "".join(
                comment_lines(as_text(variant.get("description")))
                + f" | {self.type_of(variant, depth + 1, ' | ')}{_format_comment(variant)}\n"
                for variant in variants
            )
            return f"{comment}{name}:\n{written},{_default_comment(schema)}"
        return f"{comment}{name}: {self.type_of(schema, depth + 1, ' | ')},{_default_comment(schema)}"

    def type_of(self, schema: JsonObject, depth: int, joint: str) -> str:
        """Return the type that a schema describes."""
        self.nodes += 1
        if self.nodes > MOST_SCHEMA_NODES:
            raise SchemaTooLarge
        if depth > DEEPEST_SCHEMA:
            return "any"
        schema = self.resolve(schema)
        values = schema.get("enum")
        if isinstance(values, list) and values:
            return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
        variants = self.variants(schema)
        if variants is not None:
            return joint.join(self.type_of(variant, depth + 1, joint) for variant in variants)
        kind = as_text(schema.get("type"))
        if kind == "array":
            return self.array_type(as_object(schema.get("items")), depth, joint)
        if kind == "object":
            return self.object_type(schema, depth)
        return {"integer": "number"}.get(kind, kind) or "any"

    def array_type(self, items: JsonObject, depth: int, joint: str) -> str:
        """Return an array's type; one of objects with comments is written long."""
        items = self.resolve(items)
        comment = comment_lines(as_text(items.get("title"))) + comment_lines(as_text(items.get("description")))
        written = self.type_of(items, depth + 1, joint)
        if comment and as_object(items.get("properties")):
            return f"Array<\n{comment}{written}\n>"
        return f"{written}[]"

    def variants(self, schema: JsonObject) -> list[JsonObject] | None:
        """Return the alternatives of a schema, or None where it is one thing."""
        for name in ("anyOf", "oneOf"):
            if isinstance(schema.get(name), list):
                return [self.resolve(as_object(item)) for item in as_list(schema[name])]
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return [{**schema, "type": kind} for kind in kinds if isinstance(kind, str)]
        return None

    def resolve(self, schema: JsonObject) -> JsonObject:
        """Return what a `$ref` into the function's own parameters points at; anything else as it is."""
        for _ in range(DEEPEST_SCHEMA):
            reference = schema.get("$ref")
            if not isinstance(reference, str) or not reference.startswith("#/"):
                return schema
            target: Json = dict(self.root)
            for step in reference[2:].split("/"):
                target = as_object(target).get(step)
            beside = {name: item for name, item in schema.items() if name != "$ref"}
            schema = {**as_object(target), **beside}
        return {}


def comment_lines(text: str) -> str:
    """Return a text as comment lines, each stripped; nothing for no text."""
    return "".join(f"// {line.strip()}".rstrip() + "\n" for line in text.split("\n")) if text else ""


def _speaks(schema: JsonObject) -> bool:
    return any(name in schema for name in ("title", "description", "default"))


def _default_comment(schema: JsonObject) -> str:
    if "default" not in schema:
        return ""
    return f" // default: {json.dumps(schema['default'], ensure_ascii=False)}"


def _format_comment(schema: JsonObject) -> str:
    return f" // format: {as_text(schema.get('format'))}" if as_text(schema.get("format")) else ""
