"""Writes a first campaign file from a few answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from campaigns.audience import column_uses
from campaigns.audience.column_uses import PHONE_WORDS
from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.open_list import open_table
from campaigns.definition.column_names import comparable, template_name

RETRY = {"max_attempts": 3, "busy": ["5m", "15m"], "no_answer": ["30m", "2h"]}
SAMPLE_LIST = "phone,name\n+14155550101,Amelia\n+12125550102,Noah\n"
NAMES = ("firstname", "name", "customer", "client", "имя", "клиент", "nombre", "cliente")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers a first campaign file is made from. A blank `zone` or `country` leaves out its lines."""

    campaign: str
    account: str = "main"
    file: str = "contacts.csv"
    phone: str = "phone"
    country: str = ""
    text: str = field(default="Hello, this is a reminder. Goodbye.", repr=False)
    caller_id: str = "+18005550100"
    zone: str = ""
    hours: str = "09:00-20:00"


def columns_of(file: Path) -> tuple[str, ...]:
    """The names of a list's columns; empty when the file does not exist or cannot be read."""
    try:
        return open_table(file, columns=PHONE_WORDS).names
    except BadContactsFile:
        return ()


def likely_phone(columns: tuple[str, ...]) -> str:
    """The column that probably holds the phone numbers: by its name, else the first one."""
    index = column_uses.likely_phone(columns)
    return columns[index or 0] if columns else "phone"


def likely_text(columns: Sequence[str]) -> str:
    """A text that greets the contact by name if the list has a column of names."""
    matching = [name for word in NAMES for name in columns if comparable(name) == word]
    greeting = f"Hello {{{{ {template_name(matching[0])} }}}}" if matching else "Hello"
    return f"{greeting}, this is a reminder. Goodbye."


def scaffold(answers: Answers, schema: str | None = None) -> str:
    """The text of the campaign file; `schema` is the path of the JSON schema for editors' completion."""
    hours = [f"  windows: {{mon-fri: {_quoted(answers.hours)}}}"]
    lines = [
        *([f"# yaml-language-server: $schema={schema}"] if schema else []),
        "# Every key and what it means: dialer schema --keys. Check it, calling nobody: `dialer check`",
        f"campaign: {_quoted(answers.campaign)}",
        f"account: {_quoted(answers.account)}",
        "contacts:",
        f"  file: {_quoted(answers.file)}",
        f"  phone: {_quoted(answers.phone)}",
        *([f"  country: {_quoted(answers.country)}"] if answers.country else []),
        "message:",
        f"  tts: {_quoted(answers.text)}",
        f"caller_id: {_quoted(answers.caller_id)}",
        *(["schedule:", f"  zone: {_quoted(answers.zone)}", *hours] if answers.zone else []),
        yaml.safe_dump({"retry": RETRY}, sort_keys=False, default_flow_style=None).strip(),
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """The text as one YAML value on one line, whatever is in it."""
    return str(yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**6)).strip()
