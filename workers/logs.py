"""Logging: one JSON object a line with an event and its fields; phone numbers are masked, also in libraries' lines."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

from dialer.phone import NUMBER_IN_TEXT, mask

# They log every tick, which would hide the events that matter; Flower shows every task.
QUIET_LOGGERS = ("httpx", "httpcore", "alembic", "celery.beat", "celery.worker.strategy", "celery.app.trace")


def set_up(level: str = "INFO") -> None:
    """Write what this process logs to standard error, ours and what libraries log in one form."""
    processors: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    rendered: list[structlog.typing.Processor] = [mask_numbers, structlog.processors.JSONRenderer(sort_keys=False)]
    # Past the standard library, whose records take half of the time of a line, and each call is a line.
    structlog.configure(
        processors=[*processors, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Errors())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *processors],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Errors:
    """Standard error, for lines that end nobody who writes them: its disk may be full, or its reader gone."""

    def write(self, line: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(line)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def mask_numbers(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that masks what looks like a phone number in the event and its fields."""
    for key, value in event.items():
        if isinstance(value, str) and key != "timestamp":
            event[key] = NUMBER_IN_TEXT.sub(lambda match: mask(match.group()), value)
    return event
