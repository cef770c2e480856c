"""What every command needs: the settings, the ledger, who is asking."""

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
from workers.wiring import open_ledger, redis_url


def effective_settings() -> Settings:
    """The settings, as the stack that is up on this data folder has them: under a sandbox accounts lead there."""
    settings = load()
    if info := running_stack(settings.data_dir):
        os.environ.update(environment(settings, info))
        settings = load()
    return settings


@contextmanager
def ledger_for(settings: Settings) -> Iterator[Ledger]:
    """The ledger for as long as the command runs."""
    ledger = open_ledger(settings)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def settings_and_ledger() -> Iterator[tuple[Settings, Ledger]]:
    """The settings and the ledger, for as long as the command runs."""
    settings = effective_settings()
    with ledger_for(settings) as ledger:
        yield settings, ledger


def user_name() -> str:
    """The person at the keyboard, for audit lines."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def redis_answers(settings: Settings) -> bool:
    """Whether Redis answers. Where none is named no stack is up: then it is workers that are missing, not Redis."""
    if settings.redis.url is None:
        return True
    client = connect(redis_url(settings))
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
