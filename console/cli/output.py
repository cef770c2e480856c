"""Output of the command line: tables and prose for people, JSON for machines, errors with a remedy."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from io import TextIOWrapper
from itertools import accumulate
from pathlib import Path
from textwrap import wrap
from typing import Any

from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from dialer.errors import DialerError

UNLIMITED_WIDTH = 10_000  # columns, where output goes to a file or a pipe
STREAMS = 3  # standard input, output and error
LEAST_WIDTH = 20  # columns: some programs set COLUMNS to 0, and in one column every word is cut away
# Cells and names come from others: what could move the cursor or turn lines around is shown as its escape.
CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
CONTROLS |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


class Screen(Console):
    """A rich console that never wraps a plain string, so that paths and commands stay whole."""

    @property  # type: ignore[misc]  # nobody sets it
    def size(self) -> ConsoleDimensions:
        """The terminal's size, or COLUMNS; unlimited in width when output goes to a file or a pipe."""
        size = super().size
        width = size.width if self.is_terminal or os.environ.get("COLUMNS") else UNLIMITED_WIDTH
        return ConsoleDimensions(max(width, LEAST_WIDTH), size.height)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """The segments of what is printed; none of its texts commands the terminal."""
        for segment in super().render(renderable, options):
            yield segment if segment.control or segment.text.isprintable() else _harmless(segment)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does; plain strings are not wrapped."""
        if all(isinstance(item, str) for item in objects):
            options.setdefault("soft_wrap", True)
        super().print(*objects, **options)


def _harmless(segment: Segment) -> Segment:
    return Segment(segment.text.translate(CONTROLS), segment.style)


out = Screen(highlight=False, emoji=False)
err = Screen(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def print_prose(text: str, *, on: Console = out) -> None:
    """Print prose: on a terminal wrapped between words, a command at its end on a line of its own; else unwrapped."""
    for line in text.split("\n"):
        _print_prose_line(line, on)


def _print_prose_line(text: str, on: Console) -> None:
    line = Text.from_markup(text, emoji=False)
    if line.cell_len <= on.width or not on.is_terminal:
        on.print(line, soft_wrap=True)
        return
    prose, colon, command = text.rpartition(": dialer ")
    for line in _wrapped(Text.from_markup(prose + ":" if colon else text, emoji=False), on.width):
        on.print(line, soft_wrap=True)
    if colon:
        on.print(Text.from_markup(f"  dialer {command}", emoji=False), soft_wrap=True)


def _wrapped(prose: Text, width: int) -> list[Text]:
    """The lines of a text, broken between words only: a path is never broken, however long it is."""
    pieces = wrap(prose.plain, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=False)
    first, *others = prose.divide(accumulate(map(len, pieces[:-1])))
    lines = [first, *(line[len(line.plain) - len(line.plain.lstrip()) :] for line in others)]
    for line in lines:
        line.rstrip()
    return lines


def open_standard_streams() -> None:
    """Open those that are closed, to nowhere. The next file would get the number of a closed one, and children write
    what they say into that file, which may be the ledger.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) < STREAMS:
        os.set_inheritable(number, True)
    os.close(number)
    nowhere = Path(os.devnull)
    sys.stdin = sys.stdin or nowhere.open()
    sys.stdout = sys.stdout or nowhere.open("w")
    sys.stderr = sys.stderr or nowhere.open("w")


def drop_standard_output() -> None:
    """From now on what is printed goes nowhere, also what is still to be written: nobody takes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def escape_unprintable_characters() -> None:
    """From now on, a character that the terminal's encoding lacks is printed as its escape, such as \\u2013."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(value: Any) -> None:
    """One JSON document on standard output; in an encoding that is not Unicode, letters beyond ASCII are escaped."""
    print(as_json_text(value, ascii_only="utf" not in (sys.stdout.encoding or "").lower()), flush=True)


def as_json_text(value: Any, *, ascii_only: bool = False) -> str:
    """A value as JSON text, as `print_json` prints it."""
    return json.dumps(value, default=_json_form, ensure_ascii=ascii_only, indent=2)


def _json_form(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, Path | Decimal):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def print_note(text: str) -> None:
    """Print on standard error what may go wrong although nothing is."""
    print_prose(f"[yellow]Note:[/] {escape(text)}", on=err)


def print_warning(text: str) -> None:
    """Print on standard error, loudly, what people would rather not learn from those they call."""
    print_prose(f"[bold red]Warning:[/] [bold]{escape(text)}[/]", on=err)


def print_error(error: DialerError, *, as_json: bool) -> None:
    """Print an error and its remedy: on standard error, or as JSON on standard output."""
    if as_json:
        print_json({"error": error.message, "remedy": error.remedy, **error_facts(error)})
        return
    print_prose(f"[bold red]Error:[/] {escape(error.message)}", on=err)
    if error.remedy:
        print_prose(f"[bold]Do:[/] {escape(error.remedy)}", on=err)


def error_facts(error: DialerError) -> dict[str, Any]:
    """The fields that an error has beside its message and remedy, for machines."""
    facts = getattr(error, "facts", None)
    return facts if isinstance(facts, dict) else {}


class CountTable(Table):
    """A rich table that writes the whole numbers among its cells with separators: 50,000."""

    def add_row(self, *cells: RenderableType | int | None, **options: Any) -> None:
        """Add a row; a number that counts nothing, such as a line's, comes as text."""
        super().add_row(*map(_cell, cells), **options)


def _cell(cell: RenderableType | int | None) -> RenderableType | None:
    if isinstance(cell, int):
        return f"{cell:,}"
    return cell.translate(CONTROLS) if isinstance(cell, str) else cell


def table(*columns: str, title: str | None = None) -> CountTable:
    """A table without borders. A column whose name begins with `>` is aligned to the right."""
    new_table = CountTable(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in columns:
        right = column.startswith(">")
        new_table.add_column(column.removeprefix(">"), justify="right" if right else "left", header_style="dim")
    return new_table


def local_time(moment: datetime | None, zone: tzinfo | None = None) -> str:
    """A moment by a zone's clock, or else this machine's, short; with its year where that is not this year's."""
    if moment is None:
        return "–"
    local = moment.astimezone(zone)
    return f"{local:%d %b %H:%M:%S}" if local.year == datetime.now().astimezone().year else f"{local:%d %b %Y %H:%M:%S}"


def local_with_zone(moment: datetime | None, zone: tzinfo | None = None) -> str:
    """The same, with the zone's name."""
    return f"{local_time(moment, zone)} {moment.astimezone(zone):%Z}" if moment else local_time(None)


def write_new(file: Path, text: str) -> None:
    """Write a new file. Raises DialerError when it exists already or cannot be written."""
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise DialerError(f"{file} is there already", "choose another name, or remove it first") from None
    except OSError as exc:
        raise DialerError(f"{file} cannot be written: {exc.strerror}", "choose another place") from None


def short_path(path: Path) -> str:
    """A path relative to the current folder where it lies inside, else as it is."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
