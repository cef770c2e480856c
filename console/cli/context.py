"""What most commands need: the settings, the ledger, the user's name, whether Redis answers."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from campaigns.ledger.store import Ledger
from campaigns.reporting.surroundings import Surroundings
from console.cli.output import print_note
from workers.ledger import open_ledger
from workers.private_files import close_to_others
from workers.settings import Settings, load
from workers.stack.info import running_stack

_configured: Settings | None = None


def effective_settings() -> Settings:
    """The settings; where a stack runs on this data folder, with its addresses, and its sandbox for every account."""
    global _configured
    settings = _configured = load()
    for sentence in close_to_others(settings):
        print_note(sentence)
    if info := running_stack(settings.data_dir):
        from workers.stack.environment import environment  # it knows every provider's sandbox

        os.environ.update(environment(settings, info))
        settings = load()
    return settings


@contextmanager
def ledger_for(settings: Settings) -> Iterator[Ledger]:
    """The ledger, open while the block runs."""
    ledger = open_ledger(settings)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def settings_and_ledger() -> Iterator[tuple[Settings, Ledger]]:
    """The effective settings and the ledger, open while the block runs."""
    settings = effective_settings()
    with ledger_for(settings) as ledger:
        yield settings, ledger


def user_name() -> str:
    """The name of the user who runs the command, for audit lines."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def surroundings_of(settings: Settings) -> Surroundings:
    """What is beside the ledger. A stack that starts or stops while the command runs is seen."""
    configured = _configured or settings

    @cache
    def inspected() -> Surroundings:
        from workers.inspection import surroundings  # mostly nobody need be asked

        return surroundings(configured)

    return Surroundings(
        paces=settings.paces, look=lambda: inspected().look(), consumers=lambda: inspected().consumers()
    )


def reports_folder(settings: Settings) -> Path:
    """The folder for reports and rejected rows."""
    return settings.data_dir / "reports"
