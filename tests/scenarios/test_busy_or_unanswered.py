"""CallGear's list does not tell busy from unanswered; its Data API and its notifications do, where it has them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.ledger.tables import attempts
from campaigns.lifecycle import AttemptStatus
from campaigns.operations.sweep import sweep
from campaigns.settlement.polling import poll_calls
from campaigns.settlement.rulings import mark_unconfirmed
from console.cli.views.sandbox_audit import placed_calls
from console.web.app import create_app
from dialer.providers.callgear.notifications import EVENTS, template
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from dialer.verdicts import Ruling, Verdict
from tests.support import console_server, loopback
from tests.support.dialers import callgear, carry_out, wait_for, working
from tests.support.seeding import LONG_TEXT, dialing, fresh, seed
from workers.secrets import receipt_url
from workers.settings import Settings
from workers.settings_sections import ConsoleSettings, LedgerSettings

SPEED = 20
LONG = LONG_TEXT * 8  # so that looks decide, however slow the machine
PHONES = [f"+1415555{number}" for number in ("0100", "0101", "0111", "0112", "0113", "0124")]


def account(sandbox: SandboxHandle, **changes: Any) -> Any:
    return callgear(sandbox.base_url("callgear"), speed=SPEED, poll_seconds=0.2, settle_seconds=20, **changes)


def outcomes(ledger: Any) -> Counter[str]:
    """Of the calls: a slow machine holds back a request that comes too late, and makes another."""
    with ledger.reading() as db:
        return Counter(db.scalars(select(attempts.c.outcome).where(attempts.c.status != AttemptStatus.NOT_PLACED)))


def witnesses(ledger: Any) -> set[str]:
    with ledger.reading() as db:
        return set(db.scalars(select(attempts.c.ended_by).where(attempts.c.status != AttemptStatus.NOT_PLACED)))


def test_the_data_api_tells_how_calls_ended_that_the_list_shows_no_more(ledger, redis_url):
    with running(SandboxConfig(speed=SPEED)) as sandbox:
        settings = account(sandbox, data_api_url=f"{sandbox.url}/v2.0")
        with working(ledger, redis_url, {"main": settings}) as using:
            campaign = seed(ledger, PHONES, now=using.clock())
            carry_out(using, campaign)
        told = Counter(call["outcome"] for call in placed_calls(sandbox.url))
    assert outcomes(ledger) == told
    assert set(told) == {"answered", "busy", "no_answer", "rejected"}
    assert witnesses(ledger) == {"asking"}


def test_a_data_api_that_is_away_leaves_what_the_looks_have_seen(ledger, redis_url):
    with running(SandboxConfig(speed=SPEED, report_seconds=100_000)) as sandbox:
        settings = account(sandbox, data_api_url=f"{sandbox.url}/v2.0").model_copy(update={"settle_seconds": 3.0})
        with working(ledger, redis_url, {"main": settings}) as using:
            campaign = seed(ledger, PHONES[:3], now=using.clock(), text=LONG)
            carry_out(using, campaign)
    assert outcomes(ledger) == {"answered": 2, "no_answer": 1}
    assert witnesses(ledger) == {"list"}


def test_notifications_tell_it_at_the_consoles_door(ledger, redis_url, tmp_path: Path):
    with running(SandboxConfig(speed=SPEED)) as sandbox:
        settings = Settings(
            data_dir=tmp_path,
            accounts={"main": account(sandbox, notifications=True)},
            ledger=LedgerSettings(url=ledger.url),
            console=ConsoleSettings(password=console_server.PASSWORD),
        )
        with console_server.serving(create_app(settings)) as address:
            at = settings.model_copy(update={"console": ConsoleSettings(public_url=address)})
            url = receipt_url(at, "main")
            assert url.startswith(f"{address}/notifications/main/")
            sandbox.configure(notify_url=url, notify_templates={event: template(event) for event in EVENTS})
            with working(ledger, redis_url, settings.accounts) as using:
                campaign = seed(ledger, PHONES, now=using.clock(), text=LONG)
                carry_out(using, campaign)
    ends = outcomes(ledger)
    declined = ends - Counter({"answered": 3, "busy": 1, "no_answer": 1})
    assert ends - declined == {"answered": 3, "busy": 1, "no_answer": 1}
    # Of a declined call they tell no reason. A look decides, where it comes before the list has lost the call.
    assert declined in ({"no_answer": 1}, {"unknown": 1})
    assert "receipt" in witnesses(ledger)


@pytest.mark.parametrize("lost", ["0111", "0101"])
def test_notifications_that_never_come_leave_what_the_looks_have_seen(ledger, redis_url, lost):
    with (
        running(SandboxConfig(speed=SPEED)) as sandbox,
        working(ledger, redis_url, {"main": account(sandbox, notifications=True)}) as using,
    ):
        campaign = seed(ledger, [f"+1415555{lost}"], now=using.clock(), text=LONG)
        carry_out(using, campaign)
    assert outcomes(ledger) == {"no_answer" if lost == "0111" else "answered": 1}
    assert witnesses(ledger) == {"list"}


def test_a_call_in_doubt_is_traced_by_our_own_id(ledger, redis_url):
    """Its answer was lost, it was over before anybody looked: its report still has it."""
    with running(SandboxConfig(speed=SPEED)) as sandbox:
        settings = account(sandbox, data_api_url=f"{sandbox.url}/v2.0")
        with working(ledger, redis_url, {"main": settings}) as using:
            (one,) = dialing(ledger, ["+14155550111"], now=using.clock())
            place(sandbox, str(one.id), "14155550111")
            ledger.write(
                mark_unconfirmed, one, Ruling(verdict=Verdict.UNCONFIRMED), settle_seconds=1.0, now=using.clock()
            )
            wait_for(lambda: sweep(using=using).concluded == 1)
            poll_calls(using.accounts["main"], using=using)
    settled = fresh(ledger, one.id)
    assert (settled.status, settled.counted) == ("ended", True)
    assert settled.provider_call_id == placed_id(ledger, one.id)
    assert outcomes(ledger) == {"busy": 1}


def placed_id(ledger: Any, attempt_id: Any) -> str | None:
    with ledger.reading() as db:
        return db.scalar(select(attempts.c.provider_call_id).where(attempts.c.id == attempt_id))


def place(sandbox: SandboxHandle, external_id: str, contact: str) -> None:
    """A call that our own side never heard the answer of."""

    params = {
        "access_token": "sandbox-key",
        "virtual_phone_number": "18005550100",
        "external_id": external_id,
        "contact": contact,
        "contact_message": {"type": "tts", "value": "Hello"},
    }
    asked = {"jsonrpc": "2.0", "id": 1, "method": "start.informer_call", "params": params}
    reply = loopback.post(sandbox.base_url("callgear"), json=asked).json()
    assert "result" in reply
