"""How each generation of models has its prompt written down: the constants in which they differ. Data, nothing else.

Found on recorded calls (docs/accuracy.md). Beside these constants every generation writes messages, tools, calls and
schemas in the same words.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDialect:
    """Constants of the chat completions API, in tokens."""

    message: int = 4
    """Around a message's content, its role among them."""
    reply: int = 3
    """The answer's beginning, which the service appends to the prompt."""
    answered: int = 0
    """More, for an assistant's text in the history."""
    heading: str = ""
    """Stands over a system message that tools or a schema are appended to."""
    tools: int = -1
    """Beside the tools block's own tokens."""
    named_choice: int | None = 4
    """Beside ` to=functions.NAME`, where a request forces one function by name; None: forcing adds nothing."""
    no_choice: int = 1
    """For `tool_choice: none`."""
    call: int = 4
    """Around a call in the history, beside ` to=functions.NAME` and its arguments."""
    calling_turn: int = 0
    """More, for a turn of the history that calls, however many functions."""
    schema_name_in_reply: bool = True
    """The name of the schema stands at the beginning of every text the model answers under one."""
    comments: bool = True
    """Types on one line where nothing is said of their parts, titles and limits as comments; older snapshots: no."""
    answer_text: int = 0
    """Around a text in the answer."""
    answer_call: int = 4
    """Around a call in the answer, beside ` to=functions.NAME` and its arguments."""
    appended_confirmed: bool = True
    """Recorded calls confirm how tools are appended to a system message, and how a schema is written."""
    history_confirmed: bool = True
    """Recorded calls confirm how tool calls in the history are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsesDialect:
    """Constants of the Responses API, in tokens. It writes tools and schema apart from the system message."""

    reply: int = 3
    answered: int = 0
    tools: int = -3
    """Beside the tools block's own tokens."""
    schema: int = 1
    """Beside the schema section's own tokens."""
    named_choice: int | None = 4
    call: int = 4
    """Around a call in the input, beside ` to=functions.NAME` and its arguments."""
    stored_call: int | None = 3
    """More, for a call that carries the service's own `id`; None: never recorded."""
    history_confirmed: bool = True
    """Recorded calls confirm how calls in the input are counted."""
    calls_at_once_confirmed: bool = True
    """Also where several of them stand together."""
    bare_tools_confirmed: bool = True
    """And functions that declare no parameters."""
    unthought_answer: int | None = None
    """Of a model that can think, around a text without thoughts; around a call it is 4 more. None: never recorded."""
    thought_answer: int = 0
    """The same, beside thoughts."""


CHAT_GPT4 = ChatDialect()
"""gpt-3.5-turbo-0125, gpt-4-turbo, gpt-4o, gpt-4.1: about 1,900 distinct recorded calls."""
CHAT_0613 = ChatDialect(named_choice=1, call=1, comments=False, answer_call=1)
"""The snapshots of 2023-06: 40 distinct recorded calls with tools."""
CHAT_0301 = ChatDialect(message=5, named_choice=1, call=1, comments=False, answer_call=1)
"""The snapshot of 2023-03, which had no tools: 45 distinct recorded calls."""
CHAT_O_SERIES = ChatDialect(reply=2, tools=0, named_choice=None, appended_confirmed=False, history_confirmed=False)
"""o1, o3, o4-mini: 23 distinct recorded calls."""
CHAT_GPT5 = ChatDialect(
    reply=2,
    answered=2,
    heading="# Instructions\n\n",
    tools=81,
    named_choice=None,
    no_choice=0,
    calling_turn=6,
    schema_name_in_reply=False,
    answer_text=3,
    answer_call=7,
)
"""gpt-5 to gpt-5.6: about 320 distinct recorded calls."""

RESPONSES_GPT4 = ResponsesDialect()
"""gpt-4o, gpt-4.1: about 420 distinct recorded calls."""
RESPONSES_O_SERIES = ResponsesDialect(
    reply=2, tools=0, named_choice=None, call=10, stored_call=None, history_confirmed=False, thought_answer=1
)
"""o1, o3, o4-mini: about 110 distinct recorded calls."""
RESPONSES_CODEX_MINI = ResponsesDialect(
    reply=2, tools=1, named_choice=None, call=10, stored_call=None, history_confirmed=False
)
"""codex-mini: 20 distinct recorded calls."""
RESPONSES_GPT5 = ResponsesDialect(
    reply=2,
    answered=2,
    tools=3,
    schema=0,
    named_choice=None,
    call=10,
    stored_call=None,
    bare_tools_confirmed=False,
    thought_answer=6,
)
"""gpt-5: about 190 distinct recorded calls."""
RESPONSES_GPT5_1 = replace(RESPONSES_GPT5, unthought_answer=10)
"""gpt-5.1: 8 distinct recorded calls."""
RESPONSES_GPT5_1_CODEX = replace(RESPONSES_GPT5_1, tools=6)
"""gpt-5.1-codex: 5 distinct recorded calls with tools, all of Azure's gpt-5.1-codex-mini."""
RESPONSES_GPT5_2 = replace(RESPONSES_GPT5, unthought_answer=4)
"""gpt-5.2, gpt-5.5: 18 distinct recorded calls."""
RESPONSES_GPT5_4 = replace(RESPONSES_GPT5_2, call=13, calls_at_once_confirmed=False)
"""gpt-5.4, gpt-5.6: about 110 distinct recorded calls."""
