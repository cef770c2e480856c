"""The drill: two campaigns to their ends while the version changes, workers are added and every container is killed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from sqlalchemy import func, select

from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts
from campaigns.lifecycle import FINAL_CONTACTS
from tests.chaos.storm import MAX_ATTEMPTS, reserved_numbers
from tests.chaos.verdict import Judgement, judge
from tests.containers.engine import ROOT, CommandFailed, Engine
from tests.containers.images import OURS, PREVIOUS
from tests.containers.services import DIALER, PASSWORDS, STORES, NotInTime, Services, wait_until
from tests.support import loopback

CONSOLE = "http://127.0.0.1:8080"
out = Console(highlight=False, soft_wrap=True)
TO_READ = 0o755  # our containers run as somebody else
ENDS_WITHIN = 900.0
TEXT = "This is a reminder of your appointment tomorrow morning at nine. Please bring your papers and come early. " * 2
CAMPAIGN = """\
campaign: {vendor}
account: {vendor}
contacts: {{file: {vendor}.csv}}
message: {{tts: "{text}"}}
caller_id: "+18005550100"
pace: {pace}
retry: {{max_attempts: 2, busy: [1s], no_answer: [1s], rejected: [1s]}}
"""
PACES = {
    "callgear": 1,
    "webex": 1,
}  # so that somebody is left to be called until the last fault, also on a slow machine
PARTS = ("upgrade", "faults")


class Wrong(Exception):
    """What was seen is not what was promised."""


class Drill:
    """One run, step by step; what was seen in each stands in `steps`."""

    def __init__(self, engine: Engine, people: int, parts: Sequence[str]) -> None:
        self.engine, self.parts = engine, parts
        self.started: list[str] = []  # vendors whose campaign runs
        self.before = Services(engine, engine.folder / "previous", PREVIOUS)
        self.now = Services(engine, ROOT, OURS)
        self.steps: list[dict[str, Any]] = []
        self.numbers = {vendor: reserved_numbers(people, skip=index) for index, vendor in enumerate(PACES)}
        self.files = engine.folder / "campaigns"
        self._write_campaigns()

    def run(self) -> bool:
        """Whether all was as promised. What goes wrong ends it; the ends of the containers' logs are printed then."""
        self._clear()
        try:
            for step in self._plan():
                self._do(*step)
                out.print(f"  {self.steps[-1]['step']}: {self.steps[-1]['verdict']} ({self.steps[-1]['seconds']} s)")
            return True
        except (CommandFailed, NotInTime, Wrong) as exc:
            self.steps[-1]["verdict"] = "failed"
            out.print(f"  {self.steps[-1]['step']}: {exc}", markup=False)
            self._print_logs()
            return False
        finally:
            self._clear()

    def _plan(self) -> Iterator[tuple[str, str, Callable[[], str]]]:
        if "upgrade" in self.parts:
            yield "up, the version before", "its compose file and image", self._up_before
            yield "a campaign", "calls are placed", lambda: self._start(self.before, "callgear")
            yield "upgrade", "stop, migrate, up with this image: all healthy, calls go on", self._upgrade
        else:
            yield "up", "this compose file and image: all healthy", self._up
        if "faults" in self.parts:
            yield "a campaign, this version", "calls are placed", lambda: self._start(self.now, "webex")
            yield "scale", "three workers, all healthy", self._scale
            for name in self.now.containers([*DIALER, *STORES]):
                step = f"kill {name.removeprefix(self.now.project + '_')}"
                yield step, "it comes back by itself, calls go on", partial(self._kill, name)
            yield "restart", "all services: all healthy, calls go on", self._restart
        yield "to the end", "nobody called twice, lost or reported wrongly", self._judge
        yield "down", "no container is left; the ledger is in its volume", self._down
        yield "down --volumes", "no volume and no network is left", self._remove

    def _do(self, name: str, asked: str, step: Callable[[], str]) -> None:
        self.steps.append({"step": name, "asked": asked, "verdict": "not ended"})
        began = time.monotonic()
        try:
            self.steps[-1]["verdict"] = step()
        finally:
            self.steps[-1]["seconds"] = round(time.monotonic() - began)
            (self.engine.folder / "steps.json").write_text(json.dumps(self.steps))  # also of a run that is cut off

    def _up_before(self) -> str:
        self.before.up("worker", "beat", healthy=False)  # its health checks ask for a variable that Podman does not set
        return f"{len(self.before.containers())} containers"

    def _up(self) -> str:
        self.now.up(*DIALER)
        self._ask_console()
        return f"{len(self.now.containers())} containers"

    def _start(self, services: Services, vendor: str) -> str:
        services.run(self.files, "dialer", "start", f"{vendor}.yaml")
        self.started.append(vendor)
        return self._more_calls(vendor)

    def _upgrade(self) -> str:
        placed = self._placed(None)
        self.before.stop("worker", "beat", "migrate", *STORES)
        self.now.up(*DIALER)
        self._ask_console()
        return self._more_calls(than=placed)

    def _ask_console(self) -> None:
        ready = loopback.get(f"{CONSOLE}/readyz")
        if ready.status_code != 200:
            raise Wrong(f"the console is not ready: {ready.text}")

    def _scale(self) -> str:
        self.now.start("worker", options=["--scale", "worker=3"])
        workers = self.now.containers(["worker"])
        if len(workers) != 3:
            raise Wrong(f"{len(workers)} workers")
        return "3 workers"

    def _kill(self, name: str) -> str:
        self._must_be_dialing()
        self.now.kill(name)
        return self._more_calls()

    def _restart(self) -> str:
        self._must_be_dialing()
        self.now.compose("restart", *DIALER, *STORES)
        self.now.wait_healthy(self.now.containers([*DIALER, *STORES]))
        return self._more_calls()

    def _judge(self) -> str:
        with self._ledger() as ledger:
            wait_until(lambda: self._open(ledger) == 0, ENDS_WITHIN, every=2)
            calls = self._calls()
            judged = [judge(ledger, calls, self.numbers[vendor], max_attempts=MAX_ATTEMPTS) for vendor in self.started]
        if victims := [number for judgement in judged for number in judgement.victims]:
            raise Wrong(f"called twice, lost or reported wrongly: {', '.join(victims)}")
        for vendor in self.started:
            self.now.run(self.files, "dialer", "report", vendor, "--json")
        return in_words(judged)

    def _down(self) -> str:
        self.now.compose("down", "--remove-orphans")  # to podman-compose, workers beyond the first are such
        if left := self.now.containers():
            raise Wrong(f"left: {', '.join(left)}")
        self.now.start("postgres")
        with self._ledger() as ledger, ledger.reading() as db:
            people = db.scalar(select(func.count()).select_from(contacts))
        if people != sum(len(self.numbers[vendor]) for vendor in self.started):
            raise Wrong(f"{people} contacts are in the ledger")
        return f"{people} contacts in the ledger"

    def _remove(self) -> str:
        self.now.compose("down", "--volumes", "--remove-orphans")
        networks = self.engine.podman("network", "ls", "--quiet").split()
        left = [*self.now.containers(), *self.engine.podman("volume", "ls", "--quiet").split(), *networks]
        if ours := [name for name in left if name.startswith(self.now.project)]:
            raise Wrong(f"left: {', '.join(ours)}")
        return "nothing left"

    def _write_campaigns(self) -> None:
        self.files.mkdir(exist_ok=True)
        self.files.chmod(TO_READ)
        for vendor, pace in PACES.items():
            (self.files / f"{vendor}.csv").write_text("\n".join(["phone", *self.numbers[vendor]]) + "\n")
            (self.files / f"{vendor}.yaml").write_text(CAMPAIGN.format(vendor=vendor, pace=pace, text=TEXT.strip()))

    def _calls(self) -> list[dict[str, Any]]:
        (sandbox,) = self.now.containers(["sandbox"])
        calls: list[dict[str, Any]] = loopback.get(f"http://{self.now.address(sandbox)}:8900/_calls").json()
        return calls

    def _placed(self, vendor: str | None) -> int:
        return sum(vendor in (None, call["vendor"]) for call in self._calls())

    def _more_calls(self, vendor: str | None = None, *, than: int | None = None) -> str:
        """How many calls the sandbox has, once it has some more than this, or than now."""
        before = self._placed(vendor) if than is None else than
        wait_until(lambda: self._placed(vendor) > before)
        return f"{self._placed(None)} calls"

    def _must_be_dialing(self) -> None:
        """Raise where everybody has been called: a fault then would show nothing."""
        with self._ledger() as ledger:
            if self._open(ledger) == 0:
                raise Wrong("everybody has been called already: give more --people")

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        (postgres,) = self.now.containers(["postgres"])
        address, password = self.now.address(postgres), PASSWORDS["POSTGRES_PASSWORD"]
        ledger = Ledger(f"postgresql+psycopg://dialer:{password}@{address}:5432/dialer")
        try:
            yield ledger
        finally:
            ledger.close()

    def _open(self, ledger: Ledger) -> int:
        with ledger.reading() as db:
            asked = select(func.count()).select_from(contacts).where(contacts.c.status.not_in(FINAL_CONTACTS))
            return int(db.scalar(asked) or 0)

    def _clear(self) -> None:
        """Remove all but the images: what a drill that was cut off has left, too."""
        for words in (
            ("rm", "--all", "--force", "--time=0"),
            ("volume", "rm", "--all", "--force"),
            ("network", "prune", "--force"),
        ):
            self.engine.podman(*words, check=False)

    def _print_logs(self) -> None:
        for name in self.now.containers():
            out.print(f"{name}:\n{self.engine.log(name)}", markup=False)


def in_words(judged: Sequence[Judgement]) -> str:
    """The judgements in one line."""
    finals = [(status, count) for judgement in judged for status, count in judgement.finals.items()]
    unknown = sum(count for status, count in finals if status == "unknown")
    people, calls = sum(one.contacts for one in judged), sum(one.calls for one in judged)
    return f"{people} contacts, {calls} calls: 0 called twice, 0 lost, 0 reported wrongly, {unknown} unknown"


def main() -> int:
    """0 when all was as promised. Runs where nothing but itself is: see `Engine.alone`."""
    folder, people, *parts = sys.argv[1:]
    engine = Engine(Path(folder))
    engine.run("mount", "-t", "tmpfs", "tmpfs", "/run")  # where the programs write, too
    engine.run("ip", "link", "set", "lo", "up")
    return 0 if Drill(engine, int(people), parts).run() else 1


if __name__ == "__main__":
    sys.exit(main())
