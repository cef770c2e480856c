"""The program itself under load: `dialer up` with accounts of some pace, and campaigns started on them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import func, select

from benchmarks.subjects.overload.sample import Sample, sample, with_verdicts
from campaigns import Campaigns
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts
from dialer.deadline import utc_now
from dialer.verdicts import Verdict
from tests.support import postgres
from tests.support.processes import family
from tests.support.timed_vendor import TimedVendor
from workers.ledger import open_ledger
from workers.settings import load
from workers.stack.info import running_stack

DIALER = Path(sys.executable).with_name("dialer")
UP_WITHIN, DOWN_WITHIN = 120.0, 60.0
FALSE = (Verdict.NOT_PLACED, Verdict.UNCONFIRMED)
MOST_CONTACTS = 12_000  # more than any pace places while it is watched; `dialer start` takes its time with more
RECEIPT_PATH = "receipts"
CAMPAIGN = """\
campaign: {name}
account: {name}
contacts:
  file: contacts.csv
message:
  tts: "This is a reminder of your appointment tomorrow at nine."
caller_id: "+18005550100"
schedule:
  zone: UTC
{start}  windows: {{mon-sun: "00:00-24:00"}}
"""
STARTED_WITHIN = 0.3  # seconds for each campaign
ACCOUNT = """\
[accounts.{name}]
provider = "webex"
base_url = "{url}"
service_key = "key"
receipt_secret = "{secret}"
pace = {pace}
"""


class Program:
    """A folder with settings and a list, and `dialer up` at work in it."""

    def __init__(self, folder: Path, ledger_url: str | None) -> None:
        self.folder = folder
        self._data = folder / ".dialer"
        self._ledger = ledger_url or f"sqlite:///{self._data / 'ledger.sqlite3'}"

    def place(self, pace: float, vendor: TimedVendor, seconds: float, more: str = "") -> Sample:
        """Start a campaign at this pace, with `more` lines in its file, watch it, and cancel it."""
        name = account_of(pace)
        with self.dialing(name, int(min(MOST_CONTACTS, pace * (seconds + 8))), vendor, more):
            seen = sample(vendor, self.workers, seconds)
        counts = self._verdicts(name)
        failed = sum(counts.get(verdict, 0) for verdict in FALSE)
        return with_verdicts(seen, failed=failed, unsent=counts.get(Verdict.NOT_SENT, 0))

    @contextmanager
    def dialing(self, account: str, contacts: int, vendor: TimedVendor, more: str = "") -> Iterator[None]:
        """A campaign of this account, cancelled at the block's end; after that none of its calls comes any more."""
        self._write(account, contacts, more=more)
        self.run("start", f"{account}.yaml", "--skip-rejects")
        try:
            yield
        finally:
            self.run("cancel", account)
        self._settle(vendor)

    def start_all(self, accounts: Sequence[str], contacts: int) -> None:
        """Start a campaign of each account; all of them begin to call at the same moment, for which this waits."""
        moment = utc_now() + timedelta(seconds=10 + STARTED_WITHIN * len(accounts))
        for account in accounts:
            self._write(account, contacts, start=f"  start: {moment:%Y-%m-%dT%H:%M:%S}\n")
        environment = {"DIALER_CONFIG": str(self.folder / "dialer.toml"), "DIALER_DATA_DIR": str(self._data)}
        with mock.patch.dict(os.environ, environment):
            settings = load()
            ledger = open_ledger(settings)
        starter = Campaigns(ledger, settings.accounts, who="benchmark")
        for account in accounts:
            starter.start(self.folder / f"{account}.yaml", skip_rejects=True)
        ledger.close()
        time.sleep(max(0.0, (moment - utc_now()).total_seconds()))

    def run(self, *arguments: str) -> str:
        """Run a command beside it; what it printed. Raises RuntimeError when it fails."""
        done = subprocess.run([DIALER, *arguments], cwd=self.folder, env=_environ(), capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"dialer {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def programs(self) -> Mapping[str, int]:
        """The processes of the stack by name; `up` is its supervisor, `server` forks the others."""
        stack = running_stack(self._data)
        if stack is None:
            return {}
        names = {pid: name for name, pid in stack.pids.items()} | {stack.pid: "up"}
        return {names.get(pid, "server"): pid for pid in family(stack.pid)}

    def workers(self) -> Sequence[int]:
        """The processes of the workers."""
        stack = running_stack(self._data)
        return [pid for name, pid in stack.pids.items() if name.startswith("worker")] if stack else []

    @property
    def console(self) -> str:
        """The address of its console."""
        stack = running_stack(self._data)
        if stack is None:
            raise RuntimeError("it is not up")
        return stack.urls["console"]

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The program's ledger."""
        ledger = Ledger(self._ledger.replace("postgresql://", "postgresql+psycopg://"))
        try:
            yield ledger
        finally:
            ledger.close()

    def _write(self, account: str, contacts: int, *, start: str = "", more: str = "") -> None:
        _write_list(self.folder / "contacts.csv", contacts)
        (self.folder / f"{account}.yaml").write_text(CAMPAIGN.format(name=account, start=start) + more)

    def _settle(self, vendor: TimedVendor) -> None:
        """Return when no call of the cancelled campaign comes any more."""
        time.sleep(1.0)
        while vendor.arrivals():
            time.sleep(0.5)

    def _verdicts(self, account: str) -> Mapping[str, int]:
        query = select(attempts.c.verdict, func.count()).where(attempts.c.account == account)
        with self.ledger() as ledger, ledger.reading() as db:
            return {row[0]: row[1] for row in db.execute(query.group_by(attempts.c.verdict)) if row[0]}


@contextmanager
def program(store: str, vendor: TimedVendor, paces: Mapping[str, float], *, workers: int) -> Iterator[Program]:
    """The program with accounts of these paces and this ledger, up for as long as the block runs."""
    serving = postgres.server(durable=True) if store == "PostgreSQL" else nullcontext()
    with (
        tempfile.TemporaryDirectory() as folder,
        serving as ledger_url,
        _up(Path(folder), vendor, paces, workers, ledger_url) as running,
    ):
        yield running


@contextmanager
def _up(
    folder: Path, vendor: TimedVendor, paces: Mapping[str, float], workers: int, ledger_url: str | None
) -> Iterator[Program]:
    settings = [
        ACCOUNT.format(name=name, url=vendor.url, pace=pace, secret=RECEIPT_PATH) for name, pace in paces.items()
    ]
    settings += [f'[ledger]\nurl = "{ledger_url}"\n'] if ledger_url else []
    settings += ['[webhooks]\ninternal_networks = ["127.0.0.1"]\n']
    (folder / "dialer.toml").write_text("\n".join(settings))
    log = (folder / "up.log").open("w")
    up = subprocess.Popen([DIALER, "up", "--workers", str(workers)], cwd=folder, env=_environ(), stdout=log, stderr=log)
    try:
        _wait_until_up(folder, up)
        yield Program(folder, ledger_url)
    finally:
        up.terminate()
        try:
            up.wait(DOWN_WITHIN)
        finally:
            up.kill()
            log.close()


def account_of(pace: float) -> str:
    """The account that has this pace."""
    return f"pace{pace:.0f}"


def _wait_until_up(folder: Path, up: subprocess.Popen[Any]) -> None:
    until = time.monotonic() + UP_WITHIN
    while running_stack(folder / ".dialer") is None:
        if up.poll() is not None or time.monotonic() > until:
            raise RuntimeError((folder / "up.log").read_text())
        time.sleep(0.1)


def _write_list(file: Path, contacts: int) -> None:
    """Reserved numbers: of the areas that there are, `dialer start` skips the others."""
    numbers = [f"+1{area}55501{last:02}" for last in range(100) for area in range(201, 990)]
    file.write_text("\n".join(["phone", *numbers[: 2 * contacts]]) + "\n")


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("DIALER_")} | {"COLUMNS": "120"}
