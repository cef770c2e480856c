"""The page of the logs names every event that we log, at its level and with its fields, and none besides."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from dialer import library_records
from workers.stack import supervisor_log

ROOT = Path(__file__).parents[2]
PACKAGES = ("dialer", "campaigns", "workers", "console")
LEVELS = ("debug", "info", "warning", "error", "critical")


class Logged(NamedTuple):
    """A call of the log. Fields are unknown where the call passes a mapping on."""

    event: str | None
    level: str
    fields: frozenset[str]
    where: str


@cache
def calls() -> Sequence[Logged]:
    return [*_calls()]


def _calls() -> Iterator[Logged]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            text = file.read_text("utf-8")
            for node in ast.walk(ast.parse(text)) if "log." in text else ():
                if isinstance(node, ast.Call) and _is_of_the_log(node.func):
                    words = node.args[0]
                    event = words.value if isinstance(words, ast.Constant) else None
                    fields = {keyword.arg for keyword in node.keywords if keyword.arg}
                    level = node.func.attr  # type: ignore[attr-defined]
                    yield Logged(event, level, frozenset(fields), f"{file.relative_to(ROOT)}:{node.lineno}")


def _is_of_the_log(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr in (*LEVELS, "exception")
        and isinstance(function.value, ast.Name)
        and function.value.id == "log"
    )


def rows() -> dict[str, tuple[str, frozenset[str]]]:
    """Level and fields of each event on the page."""
    page = (ROOT / "docs" / "logs.md").read_text("utf-8")
    found = re.findall(r"^\| `([^`]+)` \| (\w+) \| (.*?) \| .+? \| .+? \|$", page, re.MULTILINE)
    return {event: (level, frozenset(re.findall(r"`(\w+)`", fields))) for event, level, fields in found}


def test_every_event_is_on_the_page_with_its_level_and_fields() -> None:
    page, wrong = rows(), []
    for call in calls():
        level, fields = page.get(call.event or "", ("", frozenset()))
        if call.level != level or not call.fields <= fields:
            wrong.append(call)
    assert wrong == []


def test_the_page_names_no_event_besides() -> None:
    logged = {call.event for call in calls()} | {event for _, event in supervisor_log.EVENTS.values()}
    logged |= {mapped.words for mapped in library_records.MAPPED} | {
        "a program cannot be started",
        "an error of the dialer",
    }
    assert set(rows()) == logged


def test_the_supervisors_and_libraries_events_have_their_level() -> None:
    page = rows()
    assert {event: page[event][0] for _, event in supervisor_log.EVENTS.values()} == {
        event: level for level, event in supervisor_log.EVENTS.values()
    }
    for mapped in library_records.MAPPED:
        assert page[mapped.words][0] == {30: "warning", 40: "error"}[mapped.level]
