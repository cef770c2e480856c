"""The faults of the drill: what each does, and the runbook's step that mends it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from sqlalchemy import select, update

from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import campaigns
from campaigns.lifecycle import CampaignStatus
from campaigns.operations import control
from tests.chaos.storm import reserved_numbers
from tests.drill.installation import WHO, Installation
from tests.support import loopback
from workers.ledger import now_utc

DAILY = ("daily-callgear-1", "daily-webex-1")
UNREADABLE = json.dumps({"campaign": 5})  # as another version may have written it
AN_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `befalls` lasts as long as its block, at whose end the step of the runbook is taken."""

    alert: str
    what: str
    step: str
    befalls: Callable[[Installation], AbstractContextManager[None]]


def _away(name: str) -> Callable[[Installation], AbstractContextManager[None]]:
    return lambda installation: installation.stack.away(name)


@contextmanager
def _ledger_away(installation: Installation) -> Iterator[None]:
    server = installation.store.own
    assert server is not None, "the drill has a PostgreSQL of its own: unset TEST_POSTGRES_URL"
    server.stop(signal.SIGINT)
    try:
        yield
    finally:
        server.start()


def _sandbox(well: dict[str, object], ill: dict[str, object]) -> Callable[[Installation], AbstractContextManager[None]]:
    @contextmanager
    def befalls(installation: Installation) -> Iterator[None]:
        installation.sandbox(**ill)
        try:
            yield
        finally:
            installation.sandbox(**well)

    return befalls


@contextmanager
def _halted(installation: Installation) -> Iterator[None]:
    with _sandbox({"account_active": True}, {"account_active": False})(installation):
        yield
    for campaign in _paused(installation.ledger):
        control.resume(installation.ledger, campaign, who=WHO, now=now_utc())


def _paused(ledger: Ledger) -> list[str]:
    with ledger.reading() as db:
        paused = campaigns.c.status == CampaignStatus.PAUSED
        return list(db.scalars(select(campaigns.c.id).where(paused, campaigns.c.id.in_(DAILY))))


@contextmanager
def _strangers(installation: Installation) -> Iterator[None]:
    for _ in range(30):
        loopback.post(f"{installation.stack.info.urls['console']}/receipts/webex/{'guess' * 6}", content=b"{}")
    yield


@contextmanager
def _webhook_down(installation: Installation) -> Iterator[None]:
    installation.receiver.manner = "ill"
    try:
        yield
    finally:
        installation.receiver.manner = "well"


@contextmanager
def _unknown(installation: Installation) -> Iterator[None]:
    with _sandbox({"loss": 0.0}, {"loss": 1.0})(installation):
        campaign = installation.start("unheard", "webex", reserved_numbers(200, skip=1)[-60:], 10)
        yield
    control.pause(installation.ledger, campaign, who=WHO, now=now_utc())


@contextmanager
def _clock_set(installation: Installation) -> Iterator[None]:
    installation.start_worker_with_a_clock()
    installation.clock.write_text(str(AN_HOUR))
    try:
        yield
    finally:
        installation.clock.write_text("0")


@contextmanager
def _disk_full(installation: Installation) -> Iterator[None]:
    assert installation.disk.mounted, "a disk can be filled where one may be mounted: as root"
    with installation.disk.full([]):
        yield


@contextmanager
def _unreadable(installation: Installation) -> Iterator[None]:
    ledger, campaign = installation.ledger, campaigns.c.id == DAILY[1]
    with ledger.reading() as db:
        good = db.scalar(select(campaigns.c.definition).where(campaign))
    with ledger.writing() as db:
        db.execute(update(campaigns).where(campaign).values(definition=UNREADABLE))
    try:
        yield
    finally:
        with ledger.writing() as db:
            db.execute(update(campaigns).where(campaign).values(definition=good))


FAULTS = (
    Fault("DialerRedisAway", "Redis is killed", "start Redis", _away("redis")),
    Fault("DialerNoWorker", "the only worker is killed", "start a worker", _away("worker1")),
    Fault("DialerNoBeat", "beat is killed", "start beat", _away("beat")),
    Fault("DialerConsoleAway", "the console is killed", "start the console", _away("console1")),
    Fault("DialerLedgerAway", "PostgreSQL is stopped", "start PostgreSQL", _ledger_away),
    Fault("DialerProviderAway", "no connection to the providers is taken", "mend what is between", _away("proxy")),
    Fault(
        "DialerAccountThrottled",
        "Webex Connect answers every request with 429",
        "let the pace be what the provider allows",
        _sandbox({"webex_tps": 60}, {"webex_tps": 0}),
    ),
    Fault("DialerAccountHalted", "the providers disable the accounts", "enable them, then `dialer resume`", _halted),
    Fault(
        "DialerNoReceipts",
        "every receipt of Webex Connect is lost",
        "mend what is between provider and console",
        _sandbox({"loss": 0.0}, {"loss": 1.0}),
    ),
    Fault("DialerReceiptsRefused", "30 deliveries to an address that is guessed", "nothing: they end", _strangers),
    Fault("DialerEventsStuck", "a webhook's server answers 500", "mend the server", _webhook_down),
    Fault("DialerUnknownShareHigh", "no call of a campaign is told of", "`dialer pause` it", _unknown),
    Fault("DialerClockSet", "a worker's clock is set an hour ahead", "set it right", _clock_set),
    Fault("DialerDiskFull", "the disk of the data folder is filled", "make room", _disk_full),
    Fault("DialerFaults", "a campaign's definition is damaged in the ledger", "put it back", _unreadable),
)
