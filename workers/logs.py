"""Logging: one JSON object a line with an event and its fields; phone numbers are masked, also in libraries' lines."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from dialer.phone import NUMBER_IN_TEXT, mask

# They log every tick, which would hide the events that matter; Flower shows every task.
QUIET_LOGGERS = ("httpx", "httpcore", "alembic", "celery.beat", "celery.worker.strategy", "celery.app.trace")


def set_up(level: str = "INFO") -> None:
    """Send all logging of this process through one formatter to standard error."""
    processors: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_numbers,
    ]
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *processors],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                mask_numbers,
                structlog.processors.JSONRenderer(sort_keys=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def mask_numbers(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that masks what looks like a phone number in the event and its fields."""
    for key, value in event.items():
        if isinstance(value, str) and key != "timestamp":
            event[key] = NUMBER_IN_TEXT.sub(lambda match: mask(match.group()), value)
    return event
