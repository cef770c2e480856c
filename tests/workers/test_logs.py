"""Logs: one JSON object a line, with every phone number masked, whoever wrote it."""

from __future__ import annotations

import errno
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from workers import logs


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


def test_a_traceback_is_masked_too(capsys):
    logs.set_up()
    try:
        raise ValueError("no route to +14155550101")
    except ValueError:
        logging.getLogger("somebody.else").exception("failed")
        structlog.get_logger().exception("failed")
    said = capsys.readouterr().err
    assert [("+1415*****01" in line, "14155550101" in line) for line in said.splitlines()] == [(True, False)] * 2


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
