"""A worker killed in the middle of a campaign: everybody is called once, nobody is lost. The judge is the sandbox."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.ledger import queries
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts
from campaigns.lifecycle import AttemptStatus, CampaignStatus
from console.cli.views import sandbox_audit
from tests.support.forked_child import ServerOfTests
from tests.support.patience import PATIENCE
from tests.support.seeding import LONG_TEXT, numbers
from workers.clock import now_utc
from workers.ledger import open_ledger
from workers.settings import Settings, load
from workers.stack.stack import Stack

CAMPAIGN = """\
campaign: {account}-reminders
account: {account}
contacts: {{file: contacts.csv}}
message: {{tts: "{text}"}}
caller_id: "+18005550100"
on_unknown: report
"""
KILLS_AFTER = (5, 25)
REMINDED = 20
APPOINTMENT_IN = timedelta(seconds=100)
REMINDERS = """\
schedule: {zone: UTC, before: {column: at, at: [80s, 40s]}}
"""


def lists(folder: Path) -> list[Path]:
    files = []
    for area, account in ((415, "callgear"), (212, "webex")):
        (folder / account).mkdir()
        file = folder / account / "campaign.yaml"
        file.write_text(CAMPAIGN.format(account=account, text=LONG_TEXT))
        rows = "\n".join(["phone", *numbers(30, area=area)])
        (folder / account / "contacts.csv").write_text(rows + "\n")
        files.append(file)
    return files


def placed(ledger: Ledger) -> int:
    with ledger.reading() as db:
        return db.scalar(select(func.count()).select_from(attempts)) or 0


def going_on(ledger: Ledger) -> bool:
    with ledger.reading() as db:
        return bool(queries.all_campaigns(db, [CampaignStatus.RUNNING]))


def wait_until(condition, seconds: float = PATIENCE) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to that in time"
        time.sleep(0.1)


@contextmanager
def stack_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Stack, Settings, Ledger]]:
    """A stack of real processes with the sandbox, supervised; a worker that is killed is started anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIALER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DIALER_WORKER__LEASE_SECONDS", "5")
    monkeypatch.setenv("DIALER_WORKER__TICK_SECONDS", "0.5")
    monkeypatch.setattr("workers.stack.stack.started_fork_server", ServerOfTests)
    stopping = threading.Event()
    with Stack(load(), sandbox=True, speed=5) as stack:
        for key, value in stack.environment.items():
            monkeypatch.setenv(key, value)
        settings = load()
        supervisor = threading.Thread(target=stack.watch, args=(stopping.wait,))
        supervisor.start()
        ledger = open_ledger(settings)
        try:
            yield stack, settings, ledger
        finally:
            stopping.set()
            supervisor.join()
            ledger.close()


@pytest.mark.stack
@pytest.mark.timeout(600)
def test_a_worker_killed_twice_in_mid_campaign_calls_nobody_twice_and_loses_nobody(tmp_path, monkeypatch):
    with stack_at_work(tmp_path, monkeypatch) as (stack, settings, ledger):
        for file in lists(tmp_path):
            checked = check(file, settings.accounts)
            launch(ledger, checked, who="test", now=now_utc())
        for count in KILLS_AFTER:
            wait_until(lambda count=count: placed(ledger) >= count)
            stack.kill_worker()
        wait_until(lambda: not going_on(ledger))
        findings = sandbox_audit.compare(ledger, sandbox_audit.placed_calls(stack.info.urls["sandbox"]))
    assert findings.agree, findings
    assert findings.calls + len(findings.uncertain) >= 60, "each contact was called, or is reported as unknown"
    assert len({*findings.doubled}) == 0


@pytest.mark.stack
@pytest.mark.timeout(600)
def test_a_worker_killed_amid_each_reminder_tells_nobody_the_same_one_twice(tmp_path, monkeypatch):
    file = tmp_path / "campaign.yaml"
    file.write_text(CAMPAIGN.format(account="webex", text=LONG_TEXT) + REMINDERS)
    with stack_at_work(tmp_path, monkeypatch) as (stack, settings, ledger):
        at = (now_utc() + APPOINTMENT_IN).isoformat(timespec="seconds")
        rows = "\n".join(["phone,at", *(f"{number},{at}" for number in numbers(REMINDED))])
        (tmp_path / "contacts.csv").write_text(rows + "\n")
        launch(ledger, check(file, settings.accounts), who="test", now=now_utc())
        for count in (REMINDED // 4, REMINDED + REMINDED // 4):
            wait_until(lambda count=count: placed(ledger) >= count)
            stack.kill_worker()
        wait_until(lambda: not going_on(ledger))
        told = Counter(call["to"] for call in sandbox_audit.placed_calls(stack.info.urls["sandbox"]))
        with ledger.reading() as db:
            made = (attempts.c.contact_id, attempts.c.reminder)
            query = select(*made, func.count()).where(attempts.c.status != AttemptStatus.NOT_PLACED).group_by(*made)
            calls = db.execute(query).all()
    assert {reminder for _, reminder, _ in calls} == {1, 2}
    assert [call for call in calls if call[2] > 1] == [], "one call for each reminder of a contact"
    assert max(told.values()) <= 2
