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
from campaigns.safeguards.falling_numbers import LATEST, LEAST_EARLIER
from dialer.calls import Outcome
from tests.chaos.storm import reserved_numbers
from tests.drill.installation import Installation, answering
from tests.support import loopback

DAILY = ("daily-callgear-1", "daily-webex-1")
UNREADABLE = json.dumps({"campaign": 5})  # as another version may have written it
AN_HOUR = 3600
WARY = 1500  # contacts, for the same reason
OWN_NUMBER = '{numbers: ["+18005550105"], per_day: 100000}'  # which no other campaign shows
UNHEARD = 1200  # contacts: the alert is of a campaign that goes on


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `befalls` lasts as long as its block, at whose end the step of the runbook is taken.

    `see` is the command by which the runbook shows what the alert means, and `says` what a line of its output has then;
    both are blank where the fault is not the whole machine's. Where the alert is of one campaign, `campaign` names it.
    """

    alert: str
    what: str
    see: str
    says: str
    step: str
    befalls: Callable[[Installation], AbstractContextManager[None]]
    campaign: str | None = None

    @property
    def labels(self) -> dict[str, str]:
        """What the alert has beside its name."""
        return {"campaign": self.campaign} if self.campaign else {}

    @property
    def command(self) -> str:
        """The command for this fault."""
        return self.see.replace("NAME", self.campaign or "NAME")


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
        installation.run(f"dialer resume {campaign}")


def _paused(ledger: Ledger) -> list[str]:
    with ledger.reading() as db:
        return list(db.scalars(select(campaigns.c.id).where(campaigns.c.status == CampaignStatus.PAUSED)))


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
        campaign = installation.start("unheard", "webex", reserved_numbers(2 * UNHEARD)[UNHEARD:], 4)
        yield
    installation.run(f"dialer pause {campaign}")


@contextmanager
def _unanswered(installation: Installation) -> Iterator[None]:
    """A number that everybody answers, until nobody does."""
    campaign = installation.start("unanswered", "webex", answering(WARY, skip=0), 12, OWN_NUMBER)
    installation.wait_for_calls(campaign, Outcome.ANSWERED, LATEST + LEAST_EARLIER)
    with _sandbox({"odds": None}, {"odds": {"first": {"no_answer": 1}, "later": {"no_answer": 1}}})(installation):
        yield
        installation.run(f"dialer pause {campaign}")


@contextmanager
def _clock_set(installation: Installation) -> Iterator[None]:
    installation.prometheus.wait_for_process(installation.start_worker_with_a_clock())
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
    Fault(
        alert="DialerRedisAway",
        what="Redis is killed",
        see="dialer status",
        says="Redis",
        step="start Redis",
        befalls=_away("redis"),
    ),
    Fault(
        alert="DialerNoWorker",
        what="the only worker is killed",
        see="dialer status",
        says="worker",
        step="start a worker",
        befalls=_away("worker1"),
    ),
    Fault(
        alert="DialerNoBeat",
        what="beat is killed",
        see="dialer status",
        says="[Bb]eat",
        step="start beat",
        befalls=_away("beat"),
    ),
    Fault(
        alert="DialerConsoleAway",
        what="the console is killed",
        see="curl -sS http://127.0.0.1:8080/healthz",
        says="connect",
        step="start the console",
        befalls=_away("console1"),
    ),
    Fault(
        alert="DialerLedgerAway",
        what="PostgreSQL is stopped",
        see="dialer ledger verify",
        says="ledger",
        step="start PostgreSQL",
        befalls=_ledger_away,
    ),
    Fault(
        alert="DialerProviderAway",
        what="no connection to the providers is taken",
        see="dialer accounts",
        says="connect",
        step="mend what is between",
        befalls=_away("proxy"),
    ),
    Fault(
        alert="DialerAccountThrottled",
        what="Webex Connect answers every request with 429",
        see="dialer status",
        says="429|limit",
        step="let the pace be what the provider allows",
        befalls=_sandbox({"webex_tps": 60}, {"webex_tps": 0}),
    ),
    Fault(
        alert="DialerAccountHalted",
        what="the providers disable the accounts",
        see="dialer status",
        says="account",
        step="enable them, then `dialer resume NAME`",
        befalls=_halted,
    ),
    Fault(
        alert="DialerNoReceipts",
        what="every receipt of Webex Connect is lost",
        see="curl -sS https://dialer.example.com/healthz",
        says="ok",
        step="mend what is between provider and console",
        befalls=_sandbox({"loss": 0.0}, {"loss": 1.0}),
    ),
    Fault(
        alert="DialerReceiptsRefused",
        what="30 deliveries to an address that is guessed",
        see="dialer audit list --event 'deliveries turned away'",
        says="forged",
        step="nothing: they end",
        befalls=_strangers,
    ),
    Fault(
        alert="DialerEventsStuck",
        what="a webhook's server answers 500",
        see="dialer webhooks list",
        says="500",
        step="mend the server",
        befalls=_webhook_down,
    ),
    Fault(
        alert="DialerUnknownShareHigh",
        what="no call of a campaign is told of",
        see="dialer report NAME",
        says="unknown",
        step="`dialer pause NAME`",
        befalls=_unknown,
        campaign="unheard-1",
    ),
    Fault(
        alert="DialerCallerIdFalling",
        what="nobody answers a number any more that all have answered",
        see="dialer status NAME",
        says="of the last 100 calls",
        step="`dialer pause NAME`",
        befalls=_unanswered,
        campaign="unanswered-1",
    ),
    Fault(
        alert="DialerClockSet",
        what="a worker's clock is set an hour ahead",
        see="",
        says="",
        step="set it right",
        befalls=_clock_set,
    ),
    Fault(
        alert="DialerDiskFull",
        what="the disk of the data folder is filled",
        see="df -h .dialer",
        says="100%",
        step="make room",
        befalls=_disk_full,
    ),
    Fault(
        alert="DialerFaults",
        what="a campaign's definition is damaged in the ledger",
        see="dialer status",
        says="fault|error",
        step="put it back",
        befalls=_unreadable,
    ),
)
