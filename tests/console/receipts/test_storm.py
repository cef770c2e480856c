"""Hundreds of calls whose receipts come twice, shuffled, or never end exactly as the sandbox's own log says.

Everything is real: the sandbox and the door over HTTP, the ledger, the buckets, the steps that workers run.
Each reserved number is called, on SQLite several times.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts, receipts
from campaigns.reporting.report import Report, report
from console.cli.views.report import report_facts
from console.cli.views.sandbox_audit import compare, placed_calls
from console.web.app import create_app
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support import console_server
from tests.support.dialers import carry_out, webex, working
from tests.support.draws import times
from tests.support.seeding import seed
from workers.secrets import receipt_url
from workers.settings import Settings
from workers.settings_sections import ConsoleSettings, LedgerSettings

CALLS_TO_EACH = {"sqlite": 2, "postgresql": 1}
SPEED = 30
ENDINGS = [*range(0, 16), 24, *range(25, 98)]  # of the reserved numbers those whose calls are placed at once
STORM = SandboxConfig(
    speed=SPEED,
    seed=20261201,
    webex_tps=10_000,
    duplicate=0.3,
    shuffle=0.2,
    loss=0.05,
    omit=0.1,
    hub_secret=console_server.HUB_SECRET,
)
BECAME = {"answered": "reached", "expired": "expired"}  # and every other outcome unreached


def phones(count: int) -> list[str]:
    return [f"+1{200 + n // len(ENDINGS)}55501{ENDINGS[n % len(ENDINGS)]:02}" for n in range(count)]


@pytest.mark.drawn
@pytest.mark.timeout(600)
def test_hundreds_of_calls_end_as_the_log_says_whatever_becomes_of_their_receipts(
    ledger: Ledger, redis_url: str, tmp_path: Path
) -> None:
    count = times(CALLS_TO_EACH[ledger.engine.dialect.name]) * len(ENDINGS)
    with running(STORM) as sandbox:
        account = webex(
            sandbox.base_url("webex"),
            speed=SPEED,
            settle_seconds=6,
            pace=200,
            receipt_secret=console_server.SECRET,
            hub_secret=console_server.HUB_SECRET,
        )
        settings = Settings(
            data_dir=tmp_path,
            accounts={"main": account},
            ledger=LedgerSettings(url=ledger.url),
            console=ConsoleSettings(password=console_server.PASSWORD),
        )
        with console_server.serving(create_app(settings)) as address:
            at = settings.model_copy(update={"console": ConsoleSettings(public_url=address)})
            with working(ledger, redis_url, settings.accounts, notify_url=lambda name: receipt_url(at, name)) as using:
                campaign = seed(ledger, phones(count), now=using.clock(), caller_id="+18005550100")
                carry_out(using, campaign, seconds=500, every=0.5)  # a tick goes through all calls that are not over
        found = compare(ledger, placed_calls(sandbox.url))
        calls = placed_calls(sandbox.url)
    assert (found.calls, found.attempts, found.agree, found.uncertain) == (count, count, True, [])
    _every_contact_is_what_its_call_was(ledger, calls)
    told = report(ledger, campaign, tmp_path)
    assert told.outcomes == dict(Counter(call["outcome"] for call in calls).most_common())
    _says_what_the_sweep_settled(ledger, told, count)


def _every_contact_is_what_its_call_was(ledger: Ledger, calls: list[dict[str, object]]) -> None:
    with ledger.reading() as db:
        rows = db.execute(
            select(attempts.c.id, contacts.c.status)
            .join(contacts, contacts.c.id == attempts.c.contact_id)
            .where(attempts.c.counted)
        )
        became = {str(row.id): row.status for row in rows}
    assert became == {call["correlation_id"]: BECAME.get(str(call["outcome"]), "unreached") for call in calls}


def _says_what_the_sweep_settled(ledger: Ledger, told: Report, count: int) -> None:
    """The storm was one: some receipts came twice, and some outcomes had to be asked for. The report says which."""
    with ledger.reading() as db:
        stored = db.scalar(select(func.count()).select_from(receipts)) or 0
    assert 0 < stored < 5.2 * count
    by_witness = dict(told.ended_by)
    assert sum(by_witness.values()) == count
    assert by_witness["receipt"] > by_witness["asking"] > 0
    assert report_facts(told)["told_by"] == by_witness
