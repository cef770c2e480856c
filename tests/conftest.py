"""In which order tests run and on which worker, which of them are `fast`, and where their fixtures are."""

from __future__ import annotations

import gc
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from execnet import XSpec
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.support import forking

# Hundreds of processes are started here: without kept bytecode each would spend most of its time on compiling.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

MEMORY = Path("/dev/shm")  # noqa: S108  a file system without a disk, on Linux
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 2 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))  # where tests' folders are: thousands, soon removed

gc.disable()  # until all is imported and collected: none of it becomes garbage, and to look for some takes seconds

# What a file imports when its tests start processes or servers, and the fixtures that do.
STARTS_PARTS = re.compile(
    r"^(import subprocess|from (http\.server|multiprocessing|tests\.chaos|tests\.support(\.| import (\w+, )*)"
    r"(shell|dialers|preloaded|sandbox_clients|console_server|http_server|postgres)|dialer\.sandbox\.running|workers\.stack\.stack|"
    r"tests\.console\.conftest)\b)",
    re.MULTILINE,
)
TESTS = Path(__file__).parent
FORKED_WORKER = TESTS / "support" / "forked_bin" / "worker"
# Begun first: begun last, one of them would leave workers with nothing to do.
LONGEST = (
    "browser",
    *("console/receipts/test_storm", "chaos/test_storm", "chaos/test_orders", "console/cli/commands/test_demo"),
    *("chaos", "contract/callgear/test_fuzz", "console/receipts/test_fuzz", "console/cli", "deploy/test_image"),
    *("console", "scenarios", "campaigns/planning/test_plan", "deploy", "contract", "workers", "dialer/bucket"),
)
# Whose tests share nothing that takes long to start: each is given to the worker that is free first.
ONE_BY_ONE = ("chaos/test_storm", "chaos/test_planted", "console/receipts/test_storm", "console/cli/commands/test_run")
STORES_TOGETHER = ("console/test_every_route",)  # whose tests share what takes longer than they do
REAL_PARTS = {
    "redis_server",
    "redis_url",
    "postgres_url",
    "ledger",
    "ledger_url",
    "sandbox",
    "vendor",
    "start",
    "child",
    "shell",
}


def pytest_configure(config: pytest.Config) -> None:
    """The process that gives the tests out uses no fixture: it need not wait for what they import."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        config.pluginmanager.register(import_module("tests.support.fixtures"))
    elif config.option.markexpr != "fast":
        os.environ[forking.SOCKET] = forking.begin()


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[XSpec]) -> None:
    """One process collects for all: each of the others is forked from it."""
    server = forking.begin("tests.support.forked_workers", *config.invocation_params.args)
    python = shlex.join([sys.executable, str(FORKED_WORKER), server])
    for spec in specs:
        spec.python = python


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m fast` does not even read the files whose tests start something."""
    return True if config.option.markexpr == "fast" and _starts_parts(collection_path) else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What has been imported and collected is never looked through for garbage."""
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; `fast` is what needs no ledger, server or other process, and is not `slow`."""
    items.sort(key=lambda item: _place(item.path))
    for item in items:
        needs_parts = REAL_PARTS & set(getattr(item, "fixturenames", ())) or _starts_parts(item.path)
        if not (needs_parts or item.get_closest_marker("postgres") or item.get_closest_marker("slow")):
            item.add_marker(pytest.mark.fast)


class ByFileAndStore(LoadFileScheduling):
    """Gives a worker the tests of a file together, those of each store by themselves: they share what is started."""

    def _split_scope(self, nodeid: str) -> str:
        name, file = nodeid.removeprefix("tests/"), super()._split_scope(nodeid)
        if name.startswith(ONE_BY_ONE):
            return nodeid
        return file if name.startswith(STORES_TOGETHER) else f"{file} {'postgresql' in nodeid}"


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return ByFileAndStore(config, log) if config.option.dist == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """The process that prints is not told of what went well before and after a test: it would take as long as the test.

    Unless it asks how long that took.
    """
    asked = item.config.option
    if not hasattr(item.config, "workerinput") or asked.durations is not None or asked.xmlpath:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@cache
def _place(path: Path) -> int:
    name = path.relative_to(TESTS).as_posix() if path.is_relative_to(TESTS) else ""
    return next((place for place, begin in enumerate(LONGEST) if name.startswith(begin)), len(LONGEST))


@cache
def _starts_parts(path: Path) -> bool:
    return path.suffix == ".py" and path.name.startswith("test_") and bool(STARTS_PARTS.search(path.read_text()))
