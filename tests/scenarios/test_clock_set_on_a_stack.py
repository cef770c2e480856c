"""A machine's clock is set by hours while a stack runs: nobody is called, every door says so, and it passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from campaigns.dispatch.allowances import CLOCK_WAS_SET
from campaigns.reporting.hold_reason import HoldKind
from tests.support import loopback
from tests.support.dialers import wait_for
from tests.support.seeding import numbers
from tests.support.shell import CAMPAIGN, SETTINGS, Shell
from workers.stack.info import running_stack

HOUR = timedelta(hours=1)
WINDOW = """\
pace: 1
retry: {{max_attempts: 1}}
schedule: {{zone: UTC, windows: {{mon-sun: "{opens:%H:%M}-{closes:%H:%M}"}}}}
"""


@dataclass
class Scene:
    """A stack whose clock can be set."""

    shell: Shell
    environ: dict[str, str]

    @classmethod
    def prepared(cls, folder: Path) -> Scene:
        clock = folder / "clock"
        clock.write_text("0")
        return cls(Shell.prepared(folder, settings=SETTINGS), {"CLOCK_OFFSET": str(clock)})

    @property
    def data(self) -> Path:
        return self.shell.folder / ".dialer"

    def set_clock(self, offset: timedelta) -> None:
        Path(self.environ["CLOCK_OFFSET"]).write_text(str(offset.total_seconds()))

    @property
    def console(self) -> httpx.Client:
        info = running_stack(self.data)
        assert info is not None
        password = (self.data / "password").read_text().strip()
        return loopback.client(base_url=info.urls["console"], auth=("operator", password))

    def is_ready(self) -> bool:
        with self.console as http:
            return http.get("/readyz").status_code == 200

    def told_by_the_api(self, campaign: str) -> dict[str, Any]:
        with self.console as http:
            facts: dict[str, Any] = http.get(f"/api/v1/campaigns/{campaign}").json()
            return facts

    def told_by_a_command(self, *arguments: str) -> str:
        ran = self.shell.run(*arguments, **self.environ)
        assert ran.code == 0, ran.err
        return " ".join(ran.out.split())

    def page(self, campaign: str) -> str:
        with self.console as http:
            return http.get(f"/campaigns/{campaign}").text

    def start(self, campaign: str, opens: datetime, closes: datetime) -> None:
        window = WINDOW.format(opens=opens, closes=closes)
        written = CAMPAIGN.replace("first.csv", f"{campaign}.csv\n  zone_by_number: false").replace("first", campaign)
        self.shell.write(f"{campaign}.yaml", written + window)
        rows = "".join(f"{phone},Ann\n" for phone in numbers(500, area=212))
        self.shell.write(f"{campaign}.csv", f"phone,name\n{rows}")
        ran = self.shell.run("start", f"{campaign}.yaml", "--skip-rejects", "--json")  # the clock is right still
        assert ran.code == 0, ran.err


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene.prepared(tmp_path_factory.mktemp("clock"))
    up = scene.shell.begin("up", "--sandbox", "--workers", "1", "--speed", "10", **scene.environ)
    try:
        wait_for(lambda: running_stack(scene.data) is not None)
        wait_for(scene.is_ready, every=0.5)
        now = datetime.now(UTC)
        scene.start("open", now - HOUR, now + HOUR)
        scene.start("later", now + HOUR, now + 3 * HOUR)
        yield scene
    finally:
        scene.shell.end(up)


@contextmanager
def wrong_by(scene: Scene, offset: timedelta) -> Iterator[None]:
    scene.set_clock(offset)
    try:
        yield
    finally:
        scene.set_clock(timedelta())


@pytest.mark.parametrize("offset", [2 * HOUR, -2 * HOUR], ids=["set forward", "set back"])
def test_a_clock_that_was_set_is_told_by_every_door_and_passes(scene: Scene, offset: timedelta) -> None:
    """The window is open, and by the wrong clock it is not. At this pace nobody runs out of contacts meanwhile."""
    wait_for(lambda: scene.told_by_the_api("open")["kind"] == HoldKind.DIALING, every=0.2)
    with wrong_by(scene, offset):
        wait_for(lambda: scene.told_by_the_api("open")["kind"] == HoldKind.CLOCK_SET, every=0.2)
        placed = scene.told_by_the_api("open")["attempts"]
        assert scene.told_by_the_api("open")["why"] == CLOCK_WAS_SET
        assert "the machine's clock was set" in scene.told_by_a_command("status", "open")
        explained = scene.told_by_a_command("explain", "open")
        assert CLOCK_WAS_SET in explained
        assert "set the machine's clock right, then restart the workers" in explained
        assert "machine&#39;s clock was set" in scene.page("open")
        assert scene.told_by_the_api("open")["attempts"] == placed, "nobody is called meanwhile"
    wait_for(lambda: scene.told_by_the_api("open")["kind"] == HoldKind.DIALING, every=0.2)


def test_a_window_that_only_the_wrong_clock_has_open_stays_closed(scene: Scene) -> None:
    assert scene.told_by_the_api("later")["kind"] == HoldKind.WINDOW_CLOSED
    with wrong_by(scene, 2 * HOUR):
        wait_for(lambda: scene.told_by_the_api("later")["kind"] == HoldKind.CLOCK_SET, every=0.2)
        assert scene.told_by_the_api("later")["attempts"] == 0
    wait_for(lambda: scene.told_by_the_api("later")["kind"] == HoldKind.WINDOW_CLOSED, every=0.2)
    assert scene.told_by_the_api("later")["attempts"] == 0
