"""The examples of docs/examples.md: each file as it ships, and its plan as `dialer plan` prints it."""

from __future__ import annotations

import io
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

import campaigns
from campaigns.definition import load_definition
from console.cli.commands.plan import plan_panel
from workers.ledger import open_ledger
from workers.plans import plan_of
from workers.rehearsal.beginning import beginning
from workers.settings import Settings

EXAMPLES = Path(campaigns.__file__).parent / "examples"
SETTINGS = (EXAMPLES / "dialer.toml").read_text("utf-8")
PLANNED_AT = {
    "clinic": "2035-03-08T12:00",
    "bank": "2035-03-12T09:00",
    "outage": "2035-03-14T13:40",
    "library": "2035-03-12T10:00",
}
MANY = 50_000
AREAS = (212, 303, 305, 312, 404, 415, 602, 617, 701, 713)
WIDTH = 80
BEFORE_ALL = datetime(2026, 1, 1, tzinfo=UTC)


def lay_out(name: str, folder: Path) -> Path:
    """Copy an example with its list into a folder; a list that is fetched from a URL lies there instead."""
    written = (EXAMPLES / f"{name}.yaml").read_text("utf-8")
    address = load_definition(EXAMPLES / f"{name}.yaml").contacts.file
    list_file = f"{name}.csv" if "://" in address else address
    shutil.copy(EXAMPLES / list_file, folder)
    file = folder / f"{name}.yaml"
    file.write_text(written.replace(address, list_file), "utf-8")
    return file


@contextmanager
def laid_out(name: str) -> Iterator[Path]:
    """An example in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="dialer-examples-") as folder:
        yield lay_out(name, Path(folder))


def shown(name: str) -> str:
    """An example's file, and its plan."""
    with laid_out(name) as file:
        plan = _planned(file, PLANNED_AT[name])
    written = (EXAMPLES / f"{name}.yaml").read_text("utf-8")
    command = f"$ dialer plan {name}.yaml --at {PLANNED_AT[name]}"
    return f"```yaml\n{written}```\n\n```console\n{command}\n{plan}```"


def with_many() -> str:
    """The same plan of the outage with as many rows as it is for, without the rows."""
    with laid_out("outage") as file:
        file.with_name("outage.csv").write_text("\n".join(["Phone,Street,Until,Cart", *_rows()]), "utf-8")
        facts, _, _ = _planned(file, PLANNED_AT["outage"]).partition("\nThe first rows")
    return f"```console\n$ dialer plan outage.yaml --at {PLANNED_AT['outage']}\n{facts.strip()}\n```"


def _rows() -> Iterator[str]:
    for place in range(MANY):
        number, area = divmod(place, len(AREAS))
        yield f"+1{AREAS[area]}55{number:05},Mill Road,2035-03-14T18:30,"


def _planned(file: Path, at: str) -> str:
    """What the command prints on a screen of 80 columns, from a ledger in which nothing stands."""
    settings = Settings(data_dir=file.parent / "data", **tomllib.loads(SETTINGS))
    ledger = open_ledger(settings)
    try:
        begins = beginning(at, load_definition(file), BEFORE_ALL)
        plan = plan_of(file, settings, ledger, begins, account_as_it_stands=False)
    finally:
        ledger.close()
    screen = io.StringIO()
    Console(file=screen, width=WIDTH, color_system=None, highlight=False).print(
        plan_panel(plan, Path(file.name), None, at)
    )
    return "".join(f"{line.rstrip()}\n" for line in screen.getvalue().splitlines())


PARTS: Mapping[str, Callable[[], str]] = {
    "settings": lambda: f"```toml\n{SETTINGS}```",
    **{name: partial(shown, name) for name in PLANNED_AT},
}
SLOW_PARTS: Mapping[str, Callable[[], str]] = {f"outage of {MANY:,}": with_many}
