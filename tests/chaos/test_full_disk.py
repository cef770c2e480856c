"""`dialer up` on a disk that fills: whatever cannot be written, nothing ends for good, and all goes on by itself."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import disk as disks
from tests.chaos.verdict import doubles
from tests.support import loopback
from tests.support.forking import Forked
from tests.support.patience import PATIENCE
from tests.support.preloaded import DIALER
from tests.support.seeding import LONG_TEXT, numbers
from tests.support.shell import Shell

CAMPAIGN = f"""\
campaign: reminders
account: webex
contacts: {{file: contacts.csv}}
message: {{tts: "{LONG_TEXT}"}}
caller_id: "+18005550100"
pace: 6
"""
CONTACTS = 90
FULL_SECONDS = 6.0


class Scene:
    """`dialer up --sandbox` in a folder on a small disk, its own output there too, and a campaign."""

    def __init__(self, disk: disks.Disk) -> None:
        self.disk = disk
        self._output = (disk.folder / "up.log").open("wb")
        command = (DIALER, "up", "--sandbox", "--speed", "8", "--workers", "2")
        with Path(os.devnull).open("rb") as stdin:
            files = (stdin, self._output, self._output)
            self.up = Forked(command, cwd=disk.folder, env=Shell.environ({}), files=files)

    @property
    def info(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.disk.folder / ".dialer/stack.json").read_text())
        return found

    def start_campaign(self) -> None:
        rows = ["phone", *numbers(CONTACTS)]
        (self.disk.folder / "contacts.csv").write_text("\n".join(rows) + "\n")
        (self.disk.folder / "c.yaml").write_text(CAMPAIGN)
        assert Shell(self.disk.folder).run("start", "c.yaml").code == 0

    def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = loopback.get(f"{self.info['urls']['sandbox']}/_calls").json()
        return found

    def kill(self, name: str) -> None:
        os.kill(self.info["pids"][name], signal.SIGKILL)

    def left(self) -> int:
        file = self.disk.folder / ".dialer/ledger.sqlite3"
        with closing(sqlite3.connect(file, timeout=30)) as db:
            pending = "SELECT count(*) FROM contacts WHERE status IN ('pending', 'claimed', 'dialing', 'placed')"
            return int(db.execute(pending).fetchone()[0])

    def wait(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert self.up.poll() is None, "the supervisor has ended"
            assert time.monotonic() < until, "it did not come to that in time"
            time.sleep(0.2)

    def stop(self) -> int:
        self.up.terminate()
        try:
            code = self.up.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.up.send_signal(signal.SIGUSR1)  # it writes where each of its threads is
            time.sleep(1)
            self.up.kill()
            pytest.fail("it does not end:\n" + (self.disk.folder / "up.log").read_text())
        self._output.close()
        return code


@pytest.fixture
def scene() -> Iterator[Scene]:
    with disks.small(64) as disk:
        if not disk.mounted:
            pytest.skip("no file system can be mounted here")
        made = Scene(disk)
        try:
            made.wait((disk.folder / ".dialer/stack.json").exists)
            yield made
        finally:
            made.stop()


@pytest.mark.stack
@pytest.mark.timeout(600)
def test_a_full_disk_ends_nothing_for_good(scene):
    scene.start_campaign()
    scene.wait(lambda: len(scene.calls()) > 5)
    with scene.disk.full([]):
        scene.kill("worker1")  # so that something must be started, and told, without room
        scene.kill("beat")
        time.sleep(FULL_SECONDS)
    scene.wait(lambda: scene.left() == 0)
    calls = scene.calls()
    assert doubles(calls, max_attempts=3) == []
    assert len({call["to"] for call in calls}) > CONTACTS * 0.8
    scene.wait(lambda: all(Path(f"/proc/{pid}").exists() for pid in scene.info["pids"].values()))
    folder = scene.disk.folder / ".dialer"
    assert [file.name for file in folder.glob("stack.json*")] == ["stack.json"]
    assert scene.stop() == 0
