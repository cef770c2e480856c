"""A command's own stack: brought up where none is, watched over while the command runs, and what it prints of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.markup import escape

from console.cli.output import out, short_path
from workers.settings import Settings, load
from workers.stack.environment import environment
from workers.stack.info import StackInfo, running_stack
from workers.stack.stack import Stack, StackEvent


@contextmanager
def settings_of_stack(settings: Settings, *, quiet: bool) -> Iterator[Settings]:
    """The settings of the stack that is up on this data folder, or of one brought up for as long as the block runs."""
    if info := running_stack(settings.data_dir):
        with environment_variables(environment(settings, info)):
            yield load()
        return
    with (
        Stack(settings, sandbox=False, events=ignore_event if quiet else print_event) as stack,
        supervised(stack) as own,
    ):
        yield own


@contextmanager
def supervised(stack: Stack) -> Iterator[Settings]:
    """Yield the settings under which this process reaches a stack, while a thread restarts what dies of it."""
    stopping = threading.Event()
    supervisor = threading.Thread(target=stack.watch, args=(stopping,), name="supervisor", daemon=True)
    supervisor.start()
    try:
        with environment_variables(stack.environment):
            yield load()
    finally:
        stopping.set()
        supervisor.join()


@contextmanager
def environment_variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables that hold while the block runs."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def print_event(happening: StackEvent) -> None:
    """Print what becomes of the stack's parts: the steps people wait for, and what they should know."""
    if happening.what in {"up", "moved", "died", "restarted"}:
        out.print(f"[dim]{escape(str(happening))}[/]")


def ignore_event(_happening: StackEvent) -> None:
    """For machines."""


def print_stack(info: StackInfo, settings: Settings) -> None:
    """Where everything is, and the name of the file that holds the password."""
    for name in ("console", "flower", "sandbox", "redis"):
        if name in info.urls:
            out.print(f"  {name:<8} {info.urls[name]}")
    password = "as set" if settings.console.password else f"in {short_path(settings.data_dir / 'password')}"
    out.print(f"  user     {settings.console.user}, password {password}")
