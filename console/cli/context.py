"""What most commands need: the settings, the ledger, the user's name, whether Redis answers."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from campaigns.ledger.store import Ledger
from dialer.bucket import connect
from workers.settings import Settings, load
from workers.stack.environment import environment
from workers.stack.info import running_stack
from workers.wiring import open_ledger, redis_address


def effective_settings() -> Settings:
    """The settings; where a stack runs on this data folder, with its addresses, and its sandbox for every account."""
    settings = load()
    if info := running_stack(settings.data_dir):
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


def redis_answers(settings: Settings) -> bool:
    """Whether Redis answers. True when none is configured: no stack runs then, so it is workers that are missing."""
    if settings.redis.url is None:
        return True
    client = connect(redis_address(settings))
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
