"""The fragments as a program: their elements into C# statements, their expressions into methods, compiled with mono.

Nothing of the expressions is changed. The program runs a file of calls, each through the sections that it names.
"""

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.fragments import NAMES, Element, is_expression, read_fragment

HERE = Path(__file__).parent
NEWTONSOFT = Path("/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll")
"""Where Debian's libnewtonsoft-json5.0-cil puts it."""
LANGUAGE = "7"
"""The C# that API Management takes ("API Management policy expressions", 2026-11)."""
USINGS = (
    "System",
    "System.Collections.Generic",
    "System.Linq",
    "System.Text",
    "System.Text.RegularExpressions",
    "Newtonsoft.Json.Linq",
)
"""Namespaces whose types published policies name without them; others must be named in full."""


def _tool(name: str) -> str:
    return shutil.which(name) or name


class Gateway:
    """The compiled fragments. The program stays up between calls; close it."""

    def __init__(self, folder: Path) -> None:
        """Compile the fragments into a folder; raises AssertionError with the compiler's words where they do not."""
        self._program = folder / "gateway.exe"
        generated = folder / "Expressions.cs"
        generated.write_text(_program(), encoding="utf-8")
        shutil.copy(NEWTONSOFT, folder)
        sources = [str(path) for path in sorted(HERE.glob("*.cs"))]
        options = [f"-langversion:{LANGUAGE}", f"-r:{NEWTONSOFT}", f"-out:{self._program}"]
        done = subprocess.run(
            [_tool("mcs"), *options, *sources, str(generated)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        self._running = subprocess.Popen(
            [_tool("mono"), str(self._program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def run(self, calls: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return what came of each call: `logged` events, `requestBody` to the backend, `milliseconds`, or `failed`."""
        return [self._run(call) for call in calls]

    def _run(self, call: dict[str, Any]) -> dict[str, Any]:
        assert self._running.stdin is not None
        assert self._running.stdout is not None
        self._running.stdin.write(json.dumps(call).encode() + b"\n")
        self._running.stdin.flush()
        came: dict[str, Any] = json.loads(self._running.stdout.readline())
        return came

    def members(self) -> list[str]:
        """Return the members of other types that the expressions use."""
        command = [_tool("mono"), str(self._program), "members"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    def close(self) -> None:
        """End the program."""
        self._running.communicate()


def _program() -> str:
    """Return the C# of all fragments: a method a section, a method an expression."""
    methods: list[str] = []
    sections = []
    for name in NAMES:
        body = "".join(_statements(child, methods) for child in read_fragment(name).children)
        sections.append(f'if (section == "{name}") {{ {body} }}')
    usings = "".join(f"using {name};\n" for name in USINGS)
    run = "public static void Run(string section, Context context, Dictionary<string, string> namedValues) "
    return (
        f"{usings}public static class Sections {{\n{run}{{ {' '.join(sections)} }}\n}}\n"
        f"public static class Expressions {{\n{''.join(methods)}}}\n"
    )


def _statements(element: Element, methods: list[str]) -> str:
    """Return an element as C#. Raises KeyError for one that the fragments have no business with."""
    return {"choose": _choose, "set-variable": _set_variable, "set-body": _set_body, "log-to-eventhub": _log}[
        element.name
    ](element, methods)


def _choose(element: Element, methods: list[str]) -> str:
    branches = []
    for when in element.children:
        condition = "" if when.name == "otherwise" else f"if ((bool){_value(when.attributes['condition'], methods)}) "
        branches.append(f"{condition}{{ {''.join(_statements(child, methods) for child in when.children)} }}")
    return " else ".join(branches) + "\n"


def _set_variable(element: Element, methods: list[str]) -> str:
    name, value = element.attributes["name"], _value(element.attributes["value"], methods)
    return f'context.SetVariable("{name}", {value});\n'


def _set_body(element: Element, methods: list[str]) -> str:
    return f"context.Request.Body = new Body(Encoding.UTF8.GetBytes((string){_value(element.text, methods)}));\n"


def _log(element: Element, methods: list[str]) -> str:
    key = _value(element.attributes["partition-key"], methods)
    return (
        f'context.Log("{element.attributes["logger-id"]}", (string){key}, (string){_value(element.text, methods)});\n'
    )


def _value(value: str, methods: list[str]) -> str:
    """Return the C# of an attribute's or element's value: a call of its expression, a named value, or a text."""
    if value.startswith("{{"):
        return f'namedValues["{value.strip("{}")}"]'
    if not is_expression(value):
        return json.dumps(value)
    name = f"E{len(methods)}"
    body = value[1:] if value[1] == "{" else f"{{ return {value[1:]}; }}"
    methods.append(f"internal static object {name}(Context context) {body}\n")
    return f"Expressions.{name}(context)"


def require_tools() -> None:
    """Skip where the expressions cannot be run."""
    lacks = [name for name in ("mcs", "mono") if not shutil.which(name)]
    lacks += [] if NEWTONSOFT.exists() else ["Newtonsoft.Json"]
    if lacks:
        pytest.skip(f"no {', '.join(lacks)} on this machine (Debian: mono-mcs libnewtonsoft-json5.0-cil)")
