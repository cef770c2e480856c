"""The sentences of errors, rejected rows and audit lines, with {1}, {2} … for the values in them: what pages translate.

A sentence is what an error is raised with, or a line of the audit says: a text, or a name or a function of the same
module that stands for one. A new one is in the catalogues from the next `make messages` on, unless no page shows the
errors of its place (`NO_PAGE`). So is each noun that is counted in them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("dialer", "campaigns", "workers", "console")
ERRORS = {  # what is written for people, with all classes that are made of these
    *("DialerError", "RowRejected", "CellFault", "ScriptFault", "BadPhoneNumber", "BadCountry", "BadCondition"),
    *("CellUnfit", "NoSuchEncoding", "NotAnAmount", "NoSuchLanguage", "CannotBeSpoken", "BadText", "NotShown"),
    *("BadTime", "field_error", "fault", "FileFault", "HTTPException", "Rule", "Ruling", "_not_placed", "_too_late"),
}
AFTER_ITS_VALUE = {"CannotBeSpoken", "NotAnAmount", "_failure"}  # whose sentences come after what they speak of
VERBS = ("is ", "has ", "can ", "may ", "did ", "broke ", "gave ")
SPOKEN: Mapping[str, str] = {  # functions whose answer is shown, by module
    "campaigns/audience/audience.py": "_remarks",
    "campaigns/audience/files/xlsx.py": "_remarks",
    "campaigns/launch/recurring.py": "_launch",
    "campaigns/launch/checking/changed_values.py": "warnings",
    "campaigns/launch/checking/checks.py": "_no_keys_warning",
    "campaigns/launch/checking/nearer_appointments.py": "warnings",
    "dialer/transport/http_client.py": "_failure",
    "workers/rehearsal/comparison.py": "_differences",
    "campaigns/launch/drafts/reading_notes.py": "trouble",
    "campaigns/launch/drafts/rehearsal_notes.py": "trouble",
    "campaigns/launch/checking/any_hour.py": "any_hour_warning",
    "dialer/follow_timing.py": "short_message_warning",
}
NO_PAGE: Mapping[str, str] = {
    "campaigns/audience/given_rows.py": "rows that programs send as JSON",
    "campaigns/launch/change.py": "contacts are changed by programs and commands only",
    "campaigns/launch/single_calls.py": "single calls are asked for by programs and commands only",
    "campaigns/ledger/lists/idempotency.py": "keys that programs send",
    "campaigns/ledger/migrations": "said before the console answers",
    "campaigns/operations/copies.py": "printed by `dialer ledger`",
    "campaigns/operations/webhooks/streams.py": "read by programs that follow the stream of events",
    "console/api": "read by programs, as JSON",
    "console/cli": "printed by commands",
    "console/preflight.py": "said before the console answers",
    "dialer/clients": "for programs that use the clients as libraries",
    "dialer/responses.py": "answered to a flow that posts a response",
    "dialer/sandbox": "the sandbox answers programs, in the providers' words",
    "workers/doctor": "printed by `dialer doctor`",
    "workers/secrets.py": "said before the console answers",
    "workers/settings.py": "said before the console answers",
    "workers/settings_sections.py": "said before the console answers",
    "workers/stack": "printed by `dialer up`",
}
"""Where errors come from that no page shows, and why."""
AUDIT, COUNTED = "write_audit", "counted"  # functions: one writes a line of the audit, one says how many there are
PLACE = re.compile(r"\{\d\}")

Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def translated() -> tuple[str, ...]:
    """Every sentence that a page may show, once."""
    raised = re.compile(rf"\b({'|'.join((*_errors(), AUDIT))})\b")
    files = [
        file for file in _files() if not _no_page(file) and (_name_of(file) in SPOKEN or raised.search(_text(file)))
    ]
    return tuple(dict.fromkeys(text for file in files for text in _module(file).sentences()))


@cache
def counted() -> tuple[tuple[str, str], ...]:
    """What is counted in these sentences: for one, and for several."""
    calls = (
        node
        for file in _files()
        if not _no_page(file) and f"{COUNTED}(" in _text(file)
        for node in ast.walk(ast.parse(_text(file)))
        if isinstance(node, ast.Call) and _name(node.func) == COUNTED
    )
    nouns = ([_sentence(argument) for argument in call.args[1:]] for call in calls)
    both = ((one, several[0] if several else f"{one}s") for one, *several in nouns if one)
    return tuple(dict.fromkeys((f"{{count}} {one}", f"{{count}} {several}") for one, several in both))


def _no_page(file: Path) -> bool:
    name = _name_of(file)
    return any(name == place or name.startswith(f"{place}/") for place in NO_PAGE)


class _Module:
    """A module's syntax, in which the names are looked up that its errors are raised with."""

    def __init__(self, file: Path) -> None:
        self._tree = ast.parse(_text(file))
        self._spoken = SPOKEN.get(_name_of(file))
        self._functions: dict[str, Scope] = {}
        self._assigned: dict[Scope, dict[str, list[ast.expr]]] = {}
        self._answers: dict[Scope, list[ast.expr]] = {}
        self._imported: dict[str, str] = {}
        self._shown: list[tuple[ast.expr, Scope, str]] = []  # an expression, where it stands, and of which error it is
        self._read(self._tree, self._tree, "")

    def sentences(self) -> Iterator[str]:
        """What its errors say, but for what only joins other sentences."""
        if self._spoken:
            function = self._functions[self._spoken]
            self._shown += [(answer, function, self._spoken) for answer in self._answers[function]]
        for value, scope, error in self._shown:
            texts = (text.removeprefix("; ") for text in self._texts(value, scope))
            for text in filter(_speaks, texts):
                comes_after = error in AFTER_ITS_VALUE and text.startswith(VERBS)
                yield _numbered("{0} " + text) if comes_after else text

    def _read(self, node: ast.AST, scope: Scope, of_class: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner, name = scope, of_class
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = self._functions[child.name] = child
                if of_class in _errors():
                    self._shown += [(default, child, of_class) for default in child.args.defaults]
            elif isinstance(child, ast.ClassDef):
                name = child.name
            elif isinstance(child, ast.Call) and (error := _error_of(child, of_class)):
                arguments = [*child.args, *(keyword.value for keyword in child.keywords)]
                self._shown += [(argument, scope, error) for argument in arguments]
            elif isinstance(child, ast.Call) and AUDIT in map(_name, (child.func, *child.args[:1])):
                self._shown += [(part.value, scope, "") for part in child.keywords if part.arg == "detail"]
            elif isinstance(child, ast.ImportFrom) and child.module:
                self._imported |= {alias.asname or alias.name: child.module for alias in child.names}
            elif isinstance(child, ast.Return | ast.Yield) and child.value is not None:
                self._answers.setdefault(scope, []).append(child.value)
            elif isinstance(child, ast.Assign):
                for target in child.targets:
                    self._assign(target, child.value, scope)
                    if isinstance(target, ast.Attribute) and of_class in _errors():
                        self._shown.append((child.value, scope, of_class))
            self._read(child, inner, name)

    def _assign(self, target: ast.expr, value: ast.expr, scope: Scope) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for part, of_part in zip(target.elts, value.elts, strict=False):
                self._assign(part, of_part, scope)
        elif isinstance(target, ast.Name):
            self._assigned.setdefault(scope, {}).setdefault(target.id, []).append(value)

    def _texts_of(self, name: str, scope: Scope, depth: int) -> Iterator[str]:
        """The texts that a name stands for: in its function, in the module, or in the one that it comes from."""
        for place in dict.fromkeys((scope, self._tree)):
            for assigned in self._assigned.get(place, {}).get(name, []):
                yield from self._texts(assigned, place, depth)
        if name in self._imported and name.isupper() and (file := _file_of(self._imported[name])):
            module = _module(file)
            yield from module._texts_of(name, module._tree, depth)

    def _texts(self, value: ast.expr, scope: Scope, depth: int = 7) -> Iterator[str]:
        """The texts that an expression can be, and those that are put into it."""
        for part in _alternatives(value) if depth else []:
            if text := _sentence(part):
                yield text
            if isinstance(part, ast.Name):
                yield from self._texts_of(part.id, scope, depth - 1)
            for inner in _put_into(part):
                yield from self._texts(inner, scope, depth - 1)
            if isinstance(part, ast.Call) and (function := self._functions.get(_name(part.func))):
                for answer in self._answers.get(function, []):
                    yield from self._texts(answer, function, depth - 1)


@cache
def _module(file: Path) -> _Module:
    return _Module(file)


def _file_of(module: str) -> Path | None:
    """Where a module of ours is."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file in set(_files())), None)


def _error_of(call: ast.Call, of_class: str) -> str:
    """The error that a call makes; blank for another call."""
    called = _name(call.func)
    return called if called in _errors() else of_class if called == "__init__" and of_class in _errors() else ""


def _speaks(text: str) -> bool:
    return " " in text.strip() and sum(map(str.isalpha, PLACE.sub("", text))) > 2


def _numbered(text: str) -> str:
    """The places of a text counted from 1."""
    places = iter(range(1, 10))
    return PLACE.sub(lambda _: f"{{{next(places)}}}", text)


def _alternatives(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.IfExp):
        yield from (*_alternatives(value.body), *_alternatives(value.orelse))
    elif isinstance(value, ast.BoolOp):
        for option in value.values:
            yield from _alternatives(option)
    else:
        yield value


def _put_into(value: ast.expr) -> Iterator[ast.expr]:
    """What a text is made of, but for its own words."""
    for part in value.elts if isinstance(value, ast.Tuple) else _parts(value):
        inner = part.value if isinstance(part, ast.FormattedValue) else part
        if isinstance(value, ast.Tuple) or not isinstance(inner, ast.Constant):
            yield inner


def _sentence(value: ast.expr) -> str:
    """A text with numbered places for what is put into it; blank for what is no text."""
    if isinstance(value, ast.Constant):
        return value.value if isinstance(value.value, str) else ""
    texts = [str(part.value) if isinstance(part, ast.Constant) else "{0}" for part in _parts(value)]
    return _numbered("".join(texts))


def _parts(value: ast.expr) -> list[ast.expr]:
    if isinstance(value, ast.JoinedStr):
        return value.values
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return [part for side in (value.left, value.right) for part in _parts(side) or [side]]
    return []


@cache
def _errors() -> set[str]:
    bases: dict[str, set[str]] = {}
    for file in _files():
        for name, parents in re.findall(r"^class (\w+)\(([\w., ]*)", _text(file), re.MULTILINE):
            bases.setdefault(name, set()).update(re.findall(r"\w+(?=$|,)", parents))
    errors, before = set(ERRORS), 0
    while len(errors) > before:
        before = len(errors)
        errors |= {name for name, parents in bases.items() if parents & errors}
    return errors


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


@cache
def _text(file: Path) -> str:
    return file.read_text("utf-8")


@cache
def _files() -> list[Path]:
    return [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
