"""The tables of docs/callgear.md, made from the code of both sides: `make docs` writes them anew."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from dialer.providers.callgear import managing, starting
from dialer.providers.callgear.methods import METHODS
from dialer.providers.callgear.words import GROUPS, MNEMONICS
from dialer.sandbox.callgear import methods as sandbox
from dialer.sandbox.callgear.errors import ERRORS, OTHERWISE
from dialer.sandbox.callgear.office import Office
from dialer.sandbox.config import SandboxConfig
from tests.contract.callgear.extract import RECORDED
from tests.contract.callgear.provoking import PROVOKED

DOCUMENT = json.loads(RECORDED.read_text("utf-8"))
COMMON = {word for word, _ in DOCUMENT["common_errors"]}
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

# Where each parameter comes from in a campaign; of a method that manages calls, from the option of its command.
_MESSAGE = {"contact_message": "`message`", "contact_message.type": "`message.tts` or `message.media`"}
_MESSAGE |= {"contact_message.value": "the contact's text, or `message.media`"}
_OF_CALL = ("first_call", "switch_at_once", "early_switching", "media_file_id", "scenario_id", "operator")
CAMPAIGN_PLACES = {
    "access_token": "the account's `access_token`, or its login's",
    "login": "the account's `login`",
    "password": "the account's `password`",
    "virtual_phone_number": "`caller_id`",
    "contact": "the number of the contact",
    "external_id": "the attempt's id",
    "dtmf_string": "`dtmf`",
    "direction": "`direction`",
    "dialing_timeout": "`ring_timeout`",
    **_MESSAGE,
    **{name: f"`call.{name}`" for name in (*_OF_CALL, "operator_confirmation")},
    "show_virtual_phone_number": "`call.show_caller_id`",
    "employee": "`call`",
    "employee.id": "`call.employee_id`",
    "employee.phone_number": "`call.phone_number`",
    **{
        f"{side}_message{part}": f"`call.{side}_message{key}`"
        for side in ("operator", "employee")
        for part, key in (("", ""), (".type", ".tts` or `.media"), (".value", ".tts` or `.media"))
    },
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


def parameters() -> str:
    """Every parameter of the document: which methods have it, and where a campaign, or a command, takes it from."""
    by_place: dict[tuple[str, str], list[str]] = {}
    for name, method in DOCUMENT["methods"].items():
        shown = {**method["parameters"], **dict.fromkeys(shown_only(method))}
        for parameter in shown:
            by_place.setdefault((parameter, _place(name, parameter)), []).append(f"`{name}`")
    rows = ((f"`{parameter}`", ", ".join(names), place) for (parameter, place), names in by_place.items())
    return _table(("parameter", "methods", "from"), rows)


def shown_only(method: dict[str, Any]) -> list[str]:
    """Parameters that stand in the method's example, and in no table."""
    return [name for name in method["request"]["params"] if name not in method["parameters"]]


def _place(method: str, parameter: str) -> str:
    if method in COMMANDS and COMMANDS[method].startswith("call ") and parameter != "access_token":
        return "the listing's own" if method == "list.calls" else "the options of `dialer call`"
    return CAMPAIGN_PLACES[parameter]


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


TABLES: dict[str, Callable[[], str]] = {
    "methods": methods,
    "parameters": parameters,
    "mnemonics": mnemonics,
    "groups": groups,
    "keys": keys,
}


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
