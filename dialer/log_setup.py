"""Logging of a program: one line for each record, ours and what libraries log in one form, JSON or text.

No line holds a phone number or a secret of the settings, nor the words of an error that was not written for people.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Collection, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, TextIO, cast

import structlog

from dialer.library_records import LibraryRecords, is_for_people
from dialer.phone import NUMBER_IN_TEXT, mask

LogFormat = Literal["json", "text"]
Event = MutableMapping[str, Any]

# They log every tick, which would hide the events that matter; Flower shows every task.
QUIET_LOGGERS = ("httpx", "httpcore", "alembic", "celery.beat", "celery.worker.strategy", "celery.app.trace")
SHORTEST_SECRET = 8  # characters; what is shorter would be found in words
HIDDEN = "[hidden]"

_outside: TextIO | None = None  # standard error, where what is printed there becomes a line of the log


def set_up(
    level: str = "INFO",
    *,
    form: LogFormat = "json",
    process: str = "",
    secrets: Collection[str] = (),
    whole_process: bool = False,
) -> None:
    """Write what this process logs to standard error, each line with the name of the process, where it has one.

    `whole_process`: this process is a server of ours, so that what is printed, warnings and errors that end it are
    lines of the log, too.
    """
    errors = _Errors((_outside or sys.stderr) if whole_process else None)
    hidden = Hidden(secrets)
    processors: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_words_of_errors,
    ]
    if process:
        processors.append(_named(process))
    rendered: list[structlog.typing.Processor] = [hidden, _renderer(form)]
    # Past the standard library, whose records take half of the time of a line, and each call is a line.
    structlog.configure(
        processors=[*processors, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, errors)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(cast(TextIO, errors))
    handler.addFilter(LibraryRecords())
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
    if whole_process:
        _take_over()


def tell_outside(text: str) -> None:
    """Write to standard error what is to be in no log, as a line of its own."""
    (_outside or sys.stderr).write(f"{text}\n")


def line(event: str, *, level: str, process: str, form: LogFormat = "json", **fields: object) -> str:
    """A line as others are, for a file that a process writes besides its log."""
    facts: Event = {**fields, "event": event, "level": level, "timestamp": _now(), "process": process}
    return str(_renderer(form)(None, level, Hidden()(None, level, facts))) + "\n"


class Hidden:
    """A structlog processor that masks what looks like a phone number, and replaces these secrets."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]

    def __call__(self, _logger: Any, _name: str, event: Event) -> Event:
        """The event with all its fields made harmless."""
        for key, value in event.items():
            if key != "timestamp":
                event[key] = self._harmless(value)
        return event

    def _harmless(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret in self._secrets:
                if secret in value:
                    value = value.replace(secret, HIDDEN)
            return NUMBER_IN_TEXT.sub(lambda match: mask(match.group()), value)
        if isinstance(value, list | tuple | set):
            return [self._harmless(item) for item in value]
        if isinstance(value, dict):
            return {key: self._harmless(item) for key, item in value.items()}
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._harmless(str(value))


def without_words_of_errors(_logger: Any, _name: str, event: Event) -> Event:
    """A structlog processor that shows of an error where it was raised, and its kind: its text may quote anything."""
    raised = event.pop("exc_info", None)
    if raised and not isinstance(raised, BaseException):
        raised = (raised if isinstance(raised, tuple) else sys.exc_info())[1]
    if raised:
        event["exception"] = described(raised)
    return event


def described(error: BaseException) -> str:
    """Where an error was raised, its kind, and its words if they were written for people."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    words = f": {getattr(error, 'message', '')}" if is_for_people(error) else ""
    return f"{frames}{type(error).__name__}{words}"


def _named(process: str) -> structlog.typing.Processor:
    def name(_logger: Any, _name: str, event: Event) -> Event:
        event["process"] = process
        return event

    return name


def _renderer(form: LogFormat) -> structlog.typing.Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(sort_keys=False)
    return _as_text


def _as_text(_logger: Any, _name: str, event: Event) -> str:
    """`2026-12-01T09:00:00Z WARNING worker: event key=value …`; what has several lines follows below."""
    head = f"{event.pop('timestamp', '')} {str(event.pop('level', '')).upper()}"
    process, what, below = event.pop("process", ""), event.pop("event", ""), event.pop("exception", "")
    fields = " ".join(f"{key}={json.dumps(value, ensure_ascii=False, default=str)}" for key, value in event.items())
    text = " ".join(part for part in (head, f"{process}:" if process else "", str(what), fields) if part)
    return f"{text}\n{below}" if below else text


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class _Errors:
    """Standard error, for lines that end nobody who writes them: its disk may be full, or its reader gone."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream  # None: whatever standard error is when a line is written

    def write(self, line: str) -> None:
        with suppress(OSError, ValueError):
            (self._stream or sys.stderr).write(line)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            (self._stream or sys.stderr).flush()


class Printed(io.TextIOBase):
    """A stream that makes a record of each line that somebody prints."""

    def __init__(self, log: Callable[[str], object]) -> None:
        super().__init__()
        self._log = log
        self._begun = ""
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        """Log each line that is whole."""
        with self._lock:
            *lines, self._begun = (self._begun + text).split("\n")
        for whole in lines:
            if whole.strip():
                self._log(whole)
        return len(text)

    def fileno(self) -> int:
        """None, which Celery takes for a stream without a file; a refusal would end what it does at a signal."""
        return None  # type: ignore[return-value]

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


def _take_over() -> None:
    """Make lines of the log of what is printed, of warnings, and of errors that nobody has caught."""
    global _outside
    log, _outside = structlog.get_logger(), _outside or sys.stderr
    printed = Printed(lambda text: log.debug("printed", text=text))
    errors = Printed(lambda text: log.warning("printed as an error", text=text))
    sys.stdout = sys.__stdout__ = cast(Any, printed)  # type: ignore[misc]  # Celery writes to both
    sys.stderr = sys.__stderr__ = cast(Any, errors)  # type: ignore[misc]
    logging.captureWarnings(True)

    def uncaught(_kind: type[BaseException], error: BaseException, _where: TracebackType | None) -> None:
        log.critical("an error has ended the process", exc_info=error)

    def uncaught_in_thread(raised: threading.ExceptHookArgs) -> None:
        thread = raised.thread.name if raised.thread else ""
        log.error("an error has ended a thread", thread=thread, exc_info=raised.exc_value)

    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread
