"""The log of a process that reads the settings: its level, its form, and the secrets that are in no line of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any, NoReturn
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from dialer import log_setup
from dialer.errors import DialerError
from dialer.log import get_logger
from dialer.log_setup import LogFormat
from workers.settings import Settings

FORMAT = "DIALER_LOGGING__FORMAT"

log = get_logger()


def set_up(settings: Settings, process: str) -> None:
    """Log as the settings say; whatever this process writes is a line of its log from now on."""
    logging = settings.logging
    log_setup.set_up(
        logging.level, form=logging.format, process=process, secrets=[*_secrets(settings)], whole_process=True
    )


def cannot_start(error: DialerError, process: str) -> NoReturn:
    """Log that the settings cannot be used, and end the process."""
    form: LogFormat = "text" if os.environ.get(FORMAT, "").lower() == "text" else "json"
    log_setup.set_up(form=form, process=process)
    log.critical("the settings cannot be used", why=error.message, remedy=error.remedy)
    sys.exit(1)


def _secrets(given: Any) -> Iterator[str]:
    """The secrets in settings, and the password in each address that is one."""
    if isinstance(given, SecretStr):
        yield (secret := given.get_secret_value())
        if "://" in secret and (password := urlsplit(secret).password):
            yield password
    elif isinstance(given, BaseModel):
        for _name, value in given:
            yield from _secrets(value)
    elif isinstance(given, dict):
        for value in given.values():
            yield from _secrets(value)
