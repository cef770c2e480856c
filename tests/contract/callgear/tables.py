"""The tables of docs/callgear.md, made from the code of both sides: `make docs` writes them anew."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dialer.providers.callgear import managing, starting
from dialer.providers.callgear.methods import METHODS
from dialer.providers.callgear.words import GROUPS, MNEMONICS
from dialer.sandbox.callgear import methods as sandbox
from dialer.sandbox.callgear.errors import ERRORS, OTHERWISE
from dialer.sandbox.callgear.office import Office
from dialer.sandbox.config import SandboxConfig
from tests.contract.callgear.extract import RECORDED
from tests.contract.callgear.provoking import PROVOKED

COMMON = {word for word, _ in json.loads(RECORDED.read_text("utf-8"))["common_errors"]}
PAGE = Path(__file__).parents[3] / "docs" / "callgear.md"
COMMANDS = {
    "list.calls": "call list",
    "list.talk_options": "call talk-options",
    "call.talk_option": "call talk-option",
    "make.call": "call make",
    "transfer.talk": "call transfer",
    "restore.talk": "call restore",
    "hold.call": "call hold",
    "unhold.call": "call unhold",
    "add.coach": "call coach",
    "tag.call": "call tag",
    "record.call": "call record",
    "disconnect.leg": "call disconnect",
    "send.dtmf": "call dtmf",
    "block.contact": "call block",
    "release.call": "call release",
    "login.user": "accounts",
    "start.informer_call": "start (informer)",
    "start.simple_call": "start (simple)",
    "start.employee_call": "start (employee)",
    "start.scenario_call": "start (scenario)",
    "start.vnumber_call": "start (vnumber)",
}


def methods() -> str:
    """Every method: in the client, in the sandbox, on the command line, its test."""
    rows = (
        (
            f"`{name}`",
            f"`{_function(name)}`",
            f"`{_short(sandbox.METHODS[name].perform)}`, {sandbox.METHODS[name].component.removeprefix('Call API ')}",
            f"`dialer {COMMANDS[name]}`" if name in COMMANDS else "–",
            f"`test_document.py[{name}]`",
        )
        for name in METHODS
    )
    return _table(("method", "client", "sandbox, component", "command", "test"), rows)


def mnemonics() -> str:
    """Every mnemonic: its codes, what the client takes it for, where the sandbox says it, its test."""
    rows = (
        (
            f"`{word}`",
            MNEMONICS[word].code,
            MNEMONICS[word].verdict.value,
            MNEMONICS[word].note,
            _said_by(word),
            f"`test_document.py[{word}]`" if word in PROVOKED else "`test_callgear.py`",
        )
        for word in sorted(MNEMONICS)
    )
    return _table(("mnemonic", "code", "verdict", "what it means to us", "sandbox", "test"), rows)


def groups() -> str:
    """What becomes of a mnemonic that no table has."""
    rows = ((f"{code}", rule.verdict.value, rule.note) for code, rule in sorted(GROUPS.items(), reverse=True))
    return _table(("code", "verdict", "what it means to us"), rows)


def keys() -> str:
    """Every key of the sandbox's config file."""
    fields = [*SandboxConfig.model_fields.items()]
    fields += [(f"office.{name}", field) for name, field in Office.model_fields.items()]
    return _table(("key", "what it is"), ((f"`{name}`", field.description or "") for name, field in fields))


TABLES: dict[str, Callable[[], str]] = {"methods": methods, "mnemonics": mnemonics, "groups": groups, "keys": keys}


def renewed(page: str) -> str:
    """The page with each of its tables as the code has it."""
    for name, made in TABLES.items():
        begins, ends = f"<!-- {name}: made from the code -->\n", "<!-- end -->"
        pattern = re.compile(f"({re.escape(begins)}).*?({ends})", re.DOTALL)
        page = pattern.sub(lambda found, made=made: f"{found[1]}{made()}{found[2]}", page)
    return page


def _said_by(word: str) -> str:
    if word not in ERRORS:
        return "another edition's word"
    codes = sorted({ERRORS[word].code} | {kind.code for (_, said), kind in OTHERWISE.items() if said == word})
    where = "every method" if word in COMMON else "its own methods"
    return f"{where}: {', '.join(map(str, codes))}"


def _function(name: str) -> str:
    written = name.replace(".", "_")
    module = starting if hasattr(starting, written) else managing
    return f"{module.__name__.rpartition('.')[2]}.{written}"


def _short(function: Callable[..., object]) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(_lines(head, rows)) + "\n"


def _lines(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
