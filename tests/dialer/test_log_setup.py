"""Logs: one JSON object a line, with every phone number masked, whoever wrote it."""

from __future__ import annotations

import errno
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from dialer import log_setup as logs
from dialer.errors import DialerError


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in logs.QUIET_LOGGERS}
    yield
    root.handlers = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("called +14155550101 twice", "called +1415*****01 twice"),
        ("msisdn 14155550101", "msisdn 14155****01"),
        ("to=+442079460123.", "to=+4420******23."),
        ("attempt 1c9f2f6e-12ab-4c3d-8e4f-123456789012", "attempt 1c9f2f6e-12ab-4c3d-8e4f-123456789012"),
        ("500 of 1000 at 09:00", "500 of 1000 at 09:00"),
    ],
    ids=["E.164", "msisdn", "before a full stop", "an id is no number", "small figures"],
)
def test_what_looks_like_a_number_is_masked_wherever_it_was_logged(capsys, written, shown):
    logs.set_up()
    structlog.get_logger().warning(written, detail=written)
    logging.getLogger("somebody.else").warning(written)
    ours, others = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["detail"], others["event"]) == (shown, shown, shown)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as exc:
        return exc


def test_of_an_error_its_place_and_kind_are_shown_and_words_that_were_written_for_people(capsys):
    logs.set_up()
    for error in (ValueError("Hello Ann, no route to +14155550101"), DialerError("no route to +14155550101")):
        logging.getLogger("somebody.else").error("failed: %r", error, exc_info=raised(error))
        structlog.get_logger().error("failed", exc_info=raised(error))
    strange, strange_of_ours, known, known_of_ours = map(json.loads, capsys.readouterr().err.splitlines())
    for line in (strange, strange_of_ours):
        assert line["exception"].endswith("ValueError")
        assert "in raised" in line["exception"]
        assert "Ann" not in str(line)
    assert strange["event"] == "failed: ValueError"
    assert known["exception"].endswith("DialerError: no route to +1415*****01")
    assert known_of_ours["exception"].endswith("DialerError: no route to +1415*****01")


def test_secrets_and_numbers_are_hidden_wherever_they_stand(capsys):
    logs.set_up(secrets=["a-long-secret", "short"])
    structlog.get_logger().warning("x", url="redis://:a-long-secret@host", many=[{"to": "+14155550101"}], short="short")
    logging.getLogger("somebody.else").warning("token %s", "a-long-secret")
    ours, others = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["url"], ours["many"]) == ("redis://:[hidden]@host", [{"to": "+1415*****01"}])
    assert (ours["short"], others["event"]) == ("short", "token [hidden]")


@pytest.mark.parametrize(
    ("logger", "level", "words", "level_shown"),
    [
        ("celery.worker.consumer.consumer", "critical", "Frequent restarts detected: %r", "warning"),
        ("celery.worker.consumer.consumer", "error", "consumer: Cannot connect to redis://x: %s", "warning"),
        ("celery.beat", "error", "beat: Connection error: %s. Trying again", "warning"),
        ("kombu.transport.redis", "critical", "Could not restore message: %r", "error"),
        ("celery.worker", "critical", "Unrecoverable error: %r", "critical"),
    ],
)
def test_a_library_that_comes_back_by_itself_is_a_warning_once_a_minute(capsys, logger, level, words, level_shown):
    logs.set_up()
    for _ in range(3):
        getattr(logging.getLogger(logger), level)(words, ConnectionError("Ann"), exc_info=True)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {line["level"] for line in lines} == {level_shown}
    assert len(lines) == (3 if level_shown == "critical" else 1)


def test_a_task_that_failed_is_named_without_what_its_error_quotes(capsys):
    logs.set_up()
    values = {"name": "t", "id": "1", "exc": "ValueError('Hello Ann')", "traceback": "Hello Ann", "args": "Ann"}
    logging.getLogger("celery.app.trace").error("Task %(name)s[%(id)s] raised: %(exc)s\n%(traceback)s", values)
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "Task t[1] raised: ValueError\n"


def test_text_is_for_people(capsys):
    logs.set_up(form="text", process="worker1")
    structlog.get_logger().warning("late", seconds=3, why="no line")
    line = capsys.readouterr().err.rstrip()
    assert line.endswith('WARNING worker1: late seconds=3 why="no line"')


def test_what_a_server_prints_or_dies_of_is_a_line_of_its_log():
    program = """
import sys, threading, warnings
from dialer import log_setup
log_setup.set_up(process="p", whole_process=True)
print("a banner\\nof two lines", file=sys.__stdout__)
print("oh", "no", file=sys.stderr)
warnings.warn("old", stacklevel=1)
def fail(): raise ValueError("Ann")
thread = threading.Thread(target=fail); thread.start(); thread.join()
fail()
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert (ran.returncode, ran.stdout) == (1, "")
    assert [(line["level"], line["event"].split(":")[0]) for line in lines] == [
        ("warning", "printed as an error"),
        ("warning", "<string>"),
        ("error", "an error has ended a thread"),
        ("critical", "an error has ended the process"),
    ]
    assert "Ann" not in ran.stderr


def test_each_line_is_one_object_with_its_level_and_time(capsys):
    logs.set_up()
    structlog.get_logger().info("call requested", attempt="a-1", many="two\nlines")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["attempt"]) == ("call requested", "info", "a-1")
    assert line["timestamp"].endswith("Z")


class Full(io.StringIO):
    """A disk without room."""

    def write(self, line: str) -> int:
        raise OSError(errno.ENOSPC, "no space left on device")


def test_a_line_that_cannot_be_written_ends_nobody(monkeypatch):
    logs.set_up()
    monkeypatch.setattr("sys.stderr", Full())
    structlog.get_logger().error("the disk is full")
    monkeypatch.undo()


def test_what_is_below_the_level_is_not_written(capsys):
    logs.set_up("WARNING")
    structlog.get_logger().info("call requested")
    structlog.get_logger().warning("late")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["late"]
