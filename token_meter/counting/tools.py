"""Function tools as the service writes them into the prompt: one block of TypeScript-like declarations.

# Tools

## functions

namespace functions {

// The function's description
type NAME = (_: {
…
}) => any;

} // namespace functions
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from token_meter.codes import Note
from token_meter.counting.budget import Budget, SchemaTooLarge
from token_meter.counting.json_text import written
from token_meter.counting.schema_types import TypeWriter, comment_lines
from token_meter.jsontypes import JsonObject, as_list, as_object, as_text


@dataclass(frozen=True, slots=True)
class Tools:
    """What a request offers: its functions, and whether there are tools beside them that no formula covers."""

    functions: tuple[JsonObject, ...]
    others: bool

    @property
    def offered(self) -> bool:
        """Whether the model may call anything."""
        return bool(self.functions) or self.others


@dataclass(frozen=True, slots=True)
class Block:
    """The functions as text, and why that may not be what the service writes."""

    text: str
    doubts: tuple[Note, ...] = ()


def chat_tools(request: JsonObject) -> Tools:
    """Return the tools of a chat request, given as `tools` or as the older `functions`."""
    tools = [as_object(tool) for tool in as_list(request.get("tools"))]
    functions = [as_object(tool["function"]) for tool in tools if isinstance(tool.get("function"), dict)]
    older = [as_object(function) for function in as_list(request.get("functions"))]
    searches = isinstance(request.get("web_search_options"), dict)
    return Tools((*functions, *older), others=len(functions) != len(tools) or searches)


def responses_tools(request: JsonObject) -> Tools:
    """Return the tools of a Responses request; a function's fields stand in the tool itself."""
    tools = [as_object(tool) for tool in as_list(request.get("tools"))]
    functions = tuple(tool for tool in tools if tool.get("type") == "function")
    return Tools(functions, others=len(functions) != len(tools))


def tools_block(functions: Sequence[JsonObject], when: datetime | None, *, comments: bool = True) -> Block:
    """Return the block that a request's functions become at a time.

    `comments` is False for the older snapshots. Functions that unfold into too much stand there as the JSON they are;
    as nothing where they are nested more deeply than Python writes.
    """
    try:
        as_json = written(list(functions))
    except RecursionError:
        as_json = ""  # the deepest levels are left out below, so the least budget will do
    try:
        return _typed(functions, when, Budget(len(as_json)), comments=comments)
    except SchemaTooLarge:
        doubts = (Note.SCHEMA_TOO_LARGE,) if as_json else (Note.SCHEMA_TOO_LARGE, Note.LOWER_BOUND)
        return Block(as_json, doubts)


def _typed(functions: Sequence[JsonObject], when: datetime | None, budget: Budget, *, comments: bool) -> Block:
    declarations: list[str] = []
    confirmed = True
    for function in functions:
        types = TypeWriter(as_object(function.get("parameters")), budget, when=when, comments=comments)
        name, description = as_text(function.get("name")), comment_lines(as_text(function.get("description")))
        declarations.append(f"{description}type {name} = ({types.parameters()}) => any;\n\n")
        confirmed = confirmed and types.confirmed
    text = f"# Tools\n\n## functions\n\nnamespace functions {{\n\n{''.join(declarations)}}} // namespace functions"
    return Block(text, () if confirmed else (Note.UNCONFIRMED_FORMULA,))
