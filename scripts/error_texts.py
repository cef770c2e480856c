"""The sentences of errors in some modules, with {1}, {2} … for the values in them: what pages translate."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("dialer", "campaigns", "workers", "console")
OF_FIELDS = {"field_error", "fault"}
TRANSLATED = (  # modules whose errors the pages show in the reader's language
    *("campaigns/definition/definition.py", "campaigns/definition/field_types.py", "campaigns/definition/sections"),
    *("campaigns/operations/people.py", "campaigns/operations/passwords.py", "campaigns/operations/api_tokens.py"),
    *("campaigns/operations/control.py", "campaigns/launch/recurring.py", "campaigns/launch/schedules.py"),
)
NO_PAGE = ("console/cli", "console/api", "workers/stack", "dialer/sandbox", "dialer/clients")  # nobody reads them there


def translated() -> Iterator[str]:
    """What is in the catalogues."""
    return sentences(file for file in _files() if _is_in(file, TRANSLATED))


def left_in_english() -> Iterator[str]:
    """What a page might show and the catalogues lack."""
    return sentences(file for file in _files() if not _is_in(file, (*TRANSLATED, *NO_PAGE)))


def sentences(of: Iterable[Path]) -> Iterator[str]:
    """The sentences that errors of these files are raised with, each once."""
    errors, seen = _errors() | OF_FIELDS, set[str]()
    for file in of:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in errors:
                for argument in node.args:
                    text = _sentence(argument)
                    if " " in text.strip() and text not in seen:
                        seen.add(text)
                        yield text


def _sentence(argument: ast.expr) -> str:
    """A text with numbered places for what is put into it; blank for what is no text."""
    if isinstance(argument, ast.Constant):
        return argument.value if isinstance(argument.value, str) else ""
    if not isinstance(argument, ast.JoinedStr):
        return ""
    parts, places = [], 0
    for part in argument.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            places += 1
            parts.append(f"{{{places}}}")
    return "".join(parts)


def _errors() -> set[str]:
    """The names of the errors that are written for people: `DialerError` and what is made of it."""
    bases = {
        node.name: {_name(base) for base in node.bases}
        for file in _files()
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    errors, before = {"DialerError"}, 0
    while len(errors) > before:
        before = len(errors)
        errors |= {name for name, parents in bases.items() if parents & errors}
    return errors


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _files() -> list[Path]:
    return [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]


def _is_in(file: Path, places: Iterable[str]) -> bool:
    name = str(file.relative_to(ROOT))
    return any(name == place or name.startswith(f"{place}/") for place in places)
