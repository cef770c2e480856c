"""How the command line speaks: tables for people, JSON for machines, errors that say what to do."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, is_dataclass
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from textwrap import wrap
from typing import Any

from rich.console import Console, ConsoleDimensions
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from dialer.errors import DialerError

UNLIMITED_WIDTH = 10_000  # where no terminal ends a line, nor do we


class Screen(Console):
    """Tables and prose fit the terminal; a plain string is never broken, so that paths and commands stay whole."""

    @property  # type: ignore[misc]  # nobody sets it
    def size(self) -> ConsoleDimensions:
        """A terminal's own, or what COLUMNS asks for; into a file or a pipe lines are as long as they are."""
        found = super().size
        return (
            found if self.is_terminal or os.environ.get("COLUMNS") else ConsoleDimensions(UNLIMITED_WIDTH, found.height)
        )

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich prints."""
        if all(isinstance(one, str) for one in objects):
            options.setdefault("soft_wrap", True)
        super().print(*objects, **options)


out = Screen(highlight=False)
err = Screen(stderr=True, highlight=False, soft_wrap=True)


def print_prose(text: str, *, on: Console = out) -> None:
    """Print prose: in a terminal broken between words, with a line of its own for a command at its end; else whole."""
    for line in text.split("\n"):
        _print_prose_line(line, on)


def _print_prose_line(text: str, on: Console) -> None:
    whole = Text.from_markup(text)
    if whole.cell_len <= on.width or not on.is_terminal:
        on.print(whole, soft_wrap=True)
        return
    words, colon, command = text.rpartition(": dialer ")
    for line in _wrapped(Text.from_markup(words + ":" if colon else text), on.width):
        on.print(line, soft_wrap=True)
    if colon:
        on.print(Text.from_markup(f"  dialer {command}"), soft_wrap=True)


def _wrapped(prose: Text, width: int) -> list[Text]:
    """Its lines, broken between words only: a path is never broken, however long it is."""
    pieces = wrap(prose.plain, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=False)
    first, *others = prose.divide(accumulate(map(len, pieces[:-1])))
    lines = [first, *(line[len(line.plain) - len(line.plain.lstrip()) :] for line in others)]
    for line in lines:
        line.rstrip()
    return lines


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    print(as_json_text(value))


def as_json_text(value: Any) -> str:
    """The same document, as text."""
    return json.dumps(value, default=_json_form, ensure_ascii=False, indent=2)


def _json_form(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def print_error(error: DialerError, *, as_json: bool) -> None:
    """What is wrong and what to do: on standard error, or as JSON where a machine reads."""
    if as_json:
        print_json({"error": error.message, "remedy": error.remedy, **error_facts(error)})
        return
    print_prose(f"[bold red]Error:[/] {escape(error.message)}", on=err)
    if error.remedy:
        print_prose(f"[bold]Do:[/] {escape(error.remedy)}", on=err)


def error_facts(error: DialerError) -> dict[str, Any]:
    """What an error knows beyond its words, for machines."""
    facts = getattr(error, "facts", None)
    return facts if isinstance(facts, dict) else {}


def table(*columns: str, title: str | None = None) -> Table:
    """A plain table that fits in 80 columns when its cells do."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        right = column.startswith(">")
        made.add_column(column.removeprefix(">"), justify="right" if right else "left", header_style="dim")
    return made


def local_time(moment: datetime | None) -> str:
    """A moment in this machine's zone, short."""
    return moment.astimezone().strftime("%d %b %H:%M:%S") if moment else "–"


def local_with_zone(moment: datetime | None) -> str:
    """The same, with the zone's name."""
    return f"{local_time(moment)} {moment.astimezone():%Z}" if moment else local_time(None)


def write_new(file: Path, text: str) -> None:
    """Write a file that people asked for. Raises DialerError when one is there already, or it cannot be written."""
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise DialerError(f"{file} is there already", "choose another name, or remove it first") from None
    except OSError as exc:
        raise DialerError(f"{file} cannot be written: {exc.strerror}", "choose another place") from None


def short_path(path: Path) -> str:
    """A path as short as it can be said from here."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
