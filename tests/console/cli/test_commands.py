"""The list of commands: complete, in the words of the commands, and made without importing them."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from campaigns.ledger.store import Ledger
from campaigns.operations import control
from console.cli import commands
from console.cli.app import COMMANDS, app
from tests.support.seeding import numbers, seed
from tests.support.shell import Shell

SLOW = ("aiohttp", "alembic", "celery", "httpx", "jinja2", "psycopg", "redis", "sqlalchemy", "structlog")
CLIENTS = ("dialer.providers.callgear.provider", "dialer.providers.webex.provider")
OF_OTHERS = (
    "aiohttp",
    "alembic",
    "campaigns.launch",
    "celery",
    "dialer.sandbox",
    "httpx",
    "openpyxl",
    "sqlalchemy.dialects.postgresql",  # all of its drivers
    "uvicorn",
    "workers.stack.environment",
)
TO_READ_OR_CALL = ("campaigns.definition", "dialer.call_kinds", "babel", "jinja2", "yaml", "structlog", *CLIENTS)
IMPORTED = """
import sys
from console.cli import main
sys.argv = ["dialer", *sys.argv[1:]]
try:
    main()
finally:
    print("imported:", *sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("module", [one.name for one in pkgutil.iter_modules(commands.__path__)])
def test_every_command_of_a_module_is_in_the_list(module):
    registered = typer.Typer()
    import_module(f"{commands.__name__}.{module}").register(registered)
    names = [name for name, (listed, _line) in COMMANDS.items() if listed == module]
    assert names
    assert set(typer.main.get_group(registered).commands) == set(names)


def test_a_group_has_in_the_list_the_line_of_its_own_help():
    groups = {name: one for name, one in typer.main.get_command(app).commands.items() if hasattr(one, "commands")}
    assert set(groups) == {
        *("ledger", "contact", "dnc", "call", "schedule", "tokens", "users", "webhooks", "audit", "retention")
    }
    assert {name: one.help for name, one in groups.items()} == {name: COMMANDS[name][1] for name in groups}


@pytest.mark.parametrize("words", [("--help",), ("--version",), (), ("statsu",)], ids=" ".join)
def test_what_does_no_work_imports_nothing_that_takes_long(words):
    assert imported_by(*words) == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty ledger."""
    folder = tmp_path_factory.mktemp("commands")
    Shell.prepared(folder)
    return folder


@pytest.mark.parametrize("words", [("status",), ("dnc", "list"), ("explain", "nothing")], ids=" ".join)
def test_what_only_reads_imports_nothing_that_other_commands_need(words, folder):
    assert imported_by(*words, of=OF_OTHERS, folder=folder) == []


@pytest.mark.parametrize("words", [("status",), ("watch",), ("pause", "nothing"), ("cancel", "nothing")], ids=" ".join)
def test_where_nothing_is_read_or_called_nothing_is_imported_that_does(words, folder):
    assert imported_by(*words, of=TO_READ_OR_CALL, folder=folder) == []


@pytest.fixture(scope="module")
def folder_in_use(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ledger has campaigns of several statuses, and which no stack runs on."""
    shell = Shell.prepared(tmp_path_factory.mktemp("in-use"))
    ledger = Ledger(f"sqlite:///{shell.ledger_file}")
    now = datetime.now(UTC)
    ids = [seed(ledger, numbers(2), now=now, campaign=name) for name in ("running", "paused", "cancelled")]
    ids.append(seed(ledger, numbers(2), now=now, campaign="later", schedule={"start": now + timedelta(days=1)}))
    control.pause(ledger, ids[1], who="test", now=now)
    control.cancel(ledger, ids[2], who="test", now=now)
    ledger.close()
    return shell.folder


@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("status", "running")], ids=" ".join)
def test_a_ledger_full_of_campaigns_needs_no_models_of_campaign_files_and_no_client_of_redis(words, folder_in_use):
    assert imported_by(*words, of=(*OF_OTHERS, *TO_READ_OR_CALL, "redis"), folder=folder_in_use) == []


def test_the_supervisor_imports_nothing_but_what_supervising_needs():
    assert imported_by("up", "--help", of=("sqlalchemy", "httpx", "campaigns.ledger", "campaigns.reporting")) == []


def imported_by(*words: str, of: tuple[str, ...] = SLOW, folder: Path | None = None) -> list[str]:
    """Which of these modules `dialer` with these words has imported at its end."""
    return [name for name in of if name in all_imported_by(*words, folder=folder)]


@cache
def all_imported_by(*words: str, folder: Path | None) -> Collection[str]:
    command = [sys.executable, "-c", IMPORTED, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said, *names = done.stderr.splitlines()[-1].split()
    assert said == "imported:"
    return frozenset(names)


def numbers_of(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for parameter in getattr(command, "params", []):
        if getattr(getattr(parameter, "type_descriptor", None), "annotation", None) in {int, float}:
            yield " ".join((*words, parameter.name)), parameter
    for name, below in getattr(command, "commands", {}).items():
        yield from numbers_of(below, (*words, name))


def test_every_number_that_a_command_takes_has_bounds():
    """One that no clock, store or loop can hold is refused as an argument, and no error of ours."""
    numbers_taken = dict(numbers_of(typer.main.get_command(app)))
    assert {"dnc list limit", "call hold session", "call list every", "rehearse seed"} <= set(numbers_taken)
    assert [name for name, taken in numbers_taken.items() if taken.min is None or taken.max is None] == []
