"""The stack that a command works with: started where none runs, supervised meanwhile, its events printed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from rich.markup import escape

from console.cli.output import out, short_path
from workers.settings import Settings, load
from workers.stack.environment import environment
from workers.stack.info import StackInfo, running_stack
from workers.stack.stack import Stack, StackEvent


@contextmanager
def settings_of_stack(settings: Settings, *, quiet: bool) -> Iterator[Settings]:
    """The settings of the stack that runs on this data folder, or of one started for as long as the block runs."""
    if info := running_stack(settings.data_dir):
        with environment_variables(environment(settings, info)):
            yield load()
        return
    with (
        Stack(settings, sandbox=False, events=ignore_event if quiet else print_event) as stack,
        supervised(stack) as stack_settings,
    ):
        yield stack_settings


@contextmanager
def supervised(stack: Stack) -> Iterator[Settings]:
    """The settings by which this process reaches a stack, while a thread restarts its processes that die."""
    stopping = threading.Event()
    supervisor = threading.Thread(target=stack.watch, args=(stopping.wait,), name="supervisor", daemon=True)
    supervisor.start()
    try:
        with environment_variables(stack.environment):
            yield load()
    finally:
        stopping.set()
        supervisor.join()


@contextmanager
def environment_variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables while the block runs."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def print_event(event: StackEvent) -> None:
    """Print an event of the stack, if people wait for it or should know it."""
    if event.what in {"up", "moved", "died", "restarted", "lacking"}:
        out.print(f"[dim]{escape(str(event))}[/]")


def ignore_event(_event: StackEvent) -> None:
    """Print nothing, as for `--json`."""


def print_stack(info: StackInfo, settings: Settings) -> None:
    """Print where every part is, and how the first user logs in; the password itself at the first start only."""
    for name in ("console", "flower", "sandbox", "redis"):
        if name in info.urls:
            out.print(f"  {name:<8} {info.urls[name]}")
    out.print(f"  user     {settings.console.user}, password {_first_password(info, settings)}")


def _first_password(info: StackInfo, settings: Settings) -> str:
    file = settings.data_dir / "password"
    if settings.console.password or not file.is_file():
        return "as set"
    if file.stat().st_mtime >= datetime.fromisoformat(info.started_at).timestamp():
        return f"{file.read_text().strip()} (shown this once; it stays in {short_path(file)})"
    return f"in {short_path(file)}, unless it was changed: dialer users password {settings.console.user}"
