"""Records of libraries made fit for our log: of the right level, told once, without what an error quotes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from dialer.seldom import Seldom

Values = tuple[object, ...] | Mapping[str, object] | None
AWAY = "the broker is away: it is connected to again by itself"


@dataclass(frozen=True, slots=True)
class Mapped:
    """What becomes of the records of a logger that begin so: another level and other words, told once a minute."""

    logger: str
    begins: str
    level: int
    words: str


# Celery and kombu tell each try to come back to the broker, some as an error, one as critical; it is one trouble, which
# mends itself and of which `status` and the metrics tell. What ends a worker or beat keeps its level.
MAPPED = (
    Mapped("celery.worker.consumer", "%s (%r)", logging.WARNING, AWAY),
    Mapped("celery.worker.consumer", "consumer: Cannot connect to", logging.WARNING, AWAY),
    Mapped("celery.worker.consumer", "Frequent restarts detected", logging.WARNING, AWAY),
    Mapped("celery.worker.consumer", "consumer: Connection to broker lost", logging.WARNING, AWAY),
    Mapped("celery.worker.loops", "", logging.WARNING, AWAY),
    Mapped("celery.worker.control", "", logging.WARNING, "the worker's remote control has a fault"),
    Mapped("celery.worker.pidbox", "", logging.WARNING, "the worker's remote control has a fault"),
    Mapped("celery.beat", "beat: Connection error", logging.WARNING, AWAY),
    Mapped("celery.beat", "beat: Connection cleanup failed", logging.WARNING, AWAY),
    Mapped("celery.beat", "beat pidbox", logging.WARNING, "beat's remote control has a fault"),
    Mapped("kombu.connection", "", logging.WARNING, AWAY),
    Mapped("kombu.transport.redis", "Could not restore message", logging.ERROR, "a task is given out again only later"),
    Mapped("kombu.transport.virtual", "", logging.WARNING, "tasks were left to the broker"),
    Mapped("flower.events", "", logging.WARNING, "Flower hears no events of the workers: it connects again by itself"),
    Mapped("flower.inspector", "", logging.WARNING, "a worker did not answer Flower"),
    Mapped("opentelemetry", "", logging.WARNING, "traces are not delivered: some are lost"),
    Mapped("tornado.general", "Connect error", logging.WARNING, AWAY),
)


class LibraryRecords(logging.Filter):
    """Maps records by MAPPED, and takes out of all others what an error quotes, unless it is about a connection."""

    def __init__(self) -> None:
        super().__init__()
        self._told = Seldom()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be logged. It may be of another level and have other words afterwards."""
        if record.levelno < logging.WARNING:
            return True
        for mapped in MAPPED:
            if _is_of(record.name, mapped.logger) and str(record.msg).startswith(mapped.begins):
                why = _reason(record)
                record.levelno, record.levelname = mapped.level, logging.getLevelName(mapped.level)
                record.msg, record.args = mapped.words + (f" ({why})" if why else ""), None
                record.exc_info = record.exc_text = record.stack_info = None
                return self._told.is_due(mapped.words)
        record.args = _harmless(record.args)
        return True


def _is_of(name: str, logger: str) -> bool:
    return name == logger or name.startswith(f"{logger}.")


def _reason(record: logging.LogRecord) -> str:
    """The kind of the error that a record is about."""
    given = record.args if isinstance(record.args, tuple) else ()
    errors = [*given, record.exc_info[1] if isinstance(record.exc_info, tuple) else None]
    return next((type(error).__name__ for error in errors if isinstance(error, BaseException)), "")


def _harmless(args: Values) -> Values:
    """A record's values with errors by their kind alone, but for those of a connection, which quote an address."""
    if isinstance(args, tuple):
        return tuple(_shown(value) for value in args)
    if isinstance(args, Mapping) and "traceback" in args:  # of Celery, on a task that has failed
        return {**args, "exc": _kind_in(str(args.get("exc", ""))), "traceback": "", "args": "", "kwargs": ""}
    return args


def _shown(value: object) -> object:
    if not isinstance(value, BaseException) or isinstance(value, OSError) or is_for_people(value):
        return value
    return _Kind(type(value).__name__)


class _Kind(str):
    """The kind of an error in the place of an error."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def is_for_people(error: BaseException) -> bool:
    """Whether the words of an error were written for people, as those of a `DialerError` are."""
    return hasattr(error, "remedy") and hasattr(error, "message")


def _kind_in(shown: str) -> str:
    """The kind of an error that is shown as `ValueError('…')`."""
    return shown.partition("(")[0]
