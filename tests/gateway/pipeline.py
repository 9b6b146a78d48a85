"""The fragments as a program: their elements into C# statements, their expressions into methods, compiled with mono.

Nothing of the expressions is changed. The program runs a file of calls, each through the sections that it names.
"""

import json
import os
import shutil
import subprocess
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


def missing_tools() -> str:
    """Return what this machine lacks to run the expressions, empty where it lacks nothing."""
    lacks = [name for name in ("mcs", "mono") if not shutil.which(name)]
    lacks += [] if NEWTONSOFT.exists() else ["Newtonsoft.Json"]
    return ", ".join(lacks)


class Gateway:
    """The compiled fragments."""

    def __init__(self, folder: Path) -> None:
        """Compile the fragments into a folder; raises AssertionError with the compiler's words where they do not."""
        self._program = folder / "gateway.exe"
        self._folder = folder
        generated = folder / "Expressions.cs"
        generated.write_text(_program(), encoding="utf-8")
        shutil.copy(NEWTONSOFT, folder)
        sources = [str(path) for path in sorted(HERE.glob("*.cs"))]
        options = [f"-langversion:{LANGUAGE}", "-warnaserror-", f"-r:{NEWTONSOFT}", f"-out:{self._program}"]
        done = subprocess.run(["mcs", *options, *sources, str(generated)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def run(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return what came of each call: `logged` events, `requestBody` to the backend, `milliseconds`, or `failed`."""
        cases = self._folder / "calls.jsonl"
        cases.write_text("".join(json.dumps(call) + "\n" for call in calls), encoding="utf-8")
        return [json.loads(line) for line in self._mono("run", str(cases)).rstrip("\n").split("\n")]

    def members(self) -> list[str]:
        """Return the members of other types that the expressions use."""
        return self._mono("members").splitlines()

    def _mono(self, *arguments: str) -> str:
        command = ["mono", str(self._program), *(arguments[1:] if arguments[0] == "run" else arguments)]
        environment = {**os.environ, "MONO_GAC_PREFIX": str(self._folder)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return done.stdout


def _program() -> str:
    """Return the C# of all fragments: a method a section, a method an expression."""
    methods: list[str] = []
    sections = []
    for name in NAMES:
        body = "".join(_statements(child, methods) for child in read_fragment(name).children)
        sections.append(f'if (section == "{name}") {{ {body} }}')
    usings = "".join(f"using {name};\n" for name in USINGS)
    run = "public static void Run(string section, Context context, Dictionary<string, string> namedValues) "
    return f"{usings}public static class Expressions {{\n{run}{{ {' '.join(sections)} }}\n{''.join(methods)}}}\n"


def _statements(element: Element, methods: list[str]) -> str:
    """Return an element as C#. Raises KeyError for one that the fragments have no business with."""
    return {"choose": _choose, "set-variable": _set_variable, "set-body": _set_body, "log-to-eventhub": _log}[element.name](
        element, methods
    )


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
    return f'context.Log("{element.attributes["logger-id"]}", (string){key}, (string){_value(element.text, methods)});\n'


def _value(value: str, methods: list[str]) -> str:
    """Return the C# of an attribute's or element's value: a call of its expression, a named value, or a text."""
    if value.startswith("{{"):
        return f'namedValues["{value.strip("{}")}"]'
    if not is_expression(value):
        return json.dumps(value)
    name = f"E{len(methods)}"
    body = value[1:] if value[1] == "{" else f"{{ return {value[1:]}; }}"
    methods.append(f"private static object {name}(Context context) {body}\n")
    return f"{name}(context)"


def require_tools() -> None:
    """Skip where the expressions cannot be run."""
    lacks = missing_tools()
    if lacks:
        pytest.skip(f"no {lacks} on this machine (Debian: mono-mcs libnewtonsoft-json5.0-cil)")
