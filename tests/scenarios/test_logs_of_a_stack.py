"""Every line that a real stack writes is one JSON object of a level that fits, whatever is done to its processes."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.docs.test_logs_page import rows
from tests.support import preloaded
from tests.support.dialers import wait_for
from tests.support.patience import PATIENCE
from tests.support.shell import CAMPAIGN, CONTACTS, SETTINGS, Shell
from workers.stack.info import running_stack

pytestmark = pytest.mark.stack

PROGRAMS = {"worker1", "beat", "console", "flower", "supervisor", "sandbox"}
Line = dict[str, Any]


def lines_of(folder: Path) -> list[Line]:
    """Every line of every log, but for those of Redis, which is a program of others."""
    files = [file for file in folder.glob("*.log") if file.stem != "redis"]
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def events(folder: Path, level: str) -> set[str]:
    return {line["event"] for line in lines_of(folder) if line["level"] == level}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs of a stack that has run a campaign, lost a worker and its Redis, and gone on."""
    shell = Shell.prepared(tmp_path_factory.mktemp("logs"), settings=SETTINGS)
    shell.write("first.yaml", CAMPAIGN)
    shell.write("first.csv", CONTACTS)
    up = shell.begin(*("up", "--sandbox", "--speed", "50", "--workers", "1"), DIALER_LOGGING__LEVEL="DEBUG")
    data = shell.folder / ".dialer"
    try:
        wait_for(lambda: running_stack(data) is not None)
        assert shell.run("start", "first.yaml").code == 0
        assert shell.run("watch", "first").code == 0
        for program in ("redis", "worker1"):
            info = running_stack(data)
            assert info is not None
            os.kill(info.pids[program], signal.SIGKILL)
            wait_for(lambda program=program: program in again(data / "logs"))
        wait_for(lambda: any("ready." in event for event in events(data / "logs", "info")))
    finally:
        shell.end(up)
    return data / "logs"


def again(folder: Path) -> set[str]:
    return {line["program"] for line in lines_of(folder) if line["event"] == "a program was started again"}


def test_every_process_says_who_it_is_when_and_how_bad_it_is(logs: Path) -> None:
    written = lines_of(logs)
    assert {line["process"] for line in written} == PROGRAMS
    assert {line["level"] for line in written} == {"debug", "info", "warning", "error"}
    assert all(line["timestamp"].endswith("Z") and line["event"] for line in written)
    asked = [line for line in written if line["event"] == "call requested"]
    assert len({line["attempt"] for line in asked}) == 3


def test_every_event_of_ours_is_on_the_page_at_its_level(logs: Path) -> None:
    page = {event: level for event, (level, _) in rows().items()}
    ours = {(line["event"], line["level"]) for line in lines_of(logs) if "logger" not in line}
    assert len(ours) > 3
    assert [(event, level) for event, level in ours if page.get(event) != level] == []


def test_a_redis_that_comes_back_is_no_error_of_a_worker(logs: Path) -> None:
    ended = [line for line in lines_of(logs) if line["level"] == "critical"]
    assert ended == []
    told = [line for line in lines_of(logs) if "the broker is away" in line["event"]]
    assert told
    assert {line["level"] for line in told} == {"warning"}


def test_no_number_text_or_secret_is_in_any_line_of_any_level(logs: Path) -> None:
    text = "".join(file.read_text("utf-8") for file in logs.iterdir())
    for secret in ("4155550101", "2125550102", "Alice", "reminder of your", "sandbox-key"):
        assert secret not in text


def test_a_process_that_cannot_start_says_so_in_a_line_too(tmp_path: Path) -> None:
    environ = Shell.environ({"DIALER_WORKER__THREADS": "none", "DIALER_DATA_DIR": str(tmp_path)})
    code, out, err = preloaded.run((), cwd=Path.cwd(), env=environ, timeout=PATIENCE, program=("console.web",))
    (line,) = [json.loads(line) for line in (out + err).splitlines()]
    assert (code, line["level"], line["process"]) == (1, "critical", "console")
    assert "DIALER_WORKER__THREADS" in line["why"]
