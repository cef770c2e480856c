"""What people press: by the tags of a scenario's calls, and by a flow that posts it; then told, counted, acted on."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.launch.redial import CannotRedial, redial
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts, suppressions
from campaigns.ledger.tallies import differences
from campaigns.operations.sweep import sweep
from campaigns.reporting.report import totals
from campaigns.runtime import Runtime
from campaigns.settlement.rulings import mark_unconfirmed
from console.web.app import create_app
from dialer.providers.callgear.notifications import EVENTS, template
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from dialer.verdicts import Ruling, Verdict
from tests.support import console_server, loopback
from tests.support.dialers import callgear, carry_out, wait_for, webex, working
from tests.support.seeding import dialing, seed
from workers.secrets import receipt_url
from workers.settings import Settings
from workers.settings_sections import ConsoleSettings, LedgerSettings

SPEED = 20
CAMPAIGN = """\
campaign: confirm
account: main
contacts: {file: confirm.csv, key: appointment}
message: {tts: "Hello {{ name }}, to confirm, press 1. To cancel, press 2. To hear no more, press 9."}
caller_id: "+18005550100"
call: {kind: scenario, scenario_id: 23456}
responses: {Confirmed: confirmed, Cancelled: cancel, Do not call: stop}
"""
PHONES = [f"+1415555{number}" for number in ("0131", "0132", "0139", "0102")]
PRESSED = ["confirmed", "cancel", "stop", None]


def responses(ledger: Ledger) -> list[str | None]:
    with ledger.reading() as db:
        assert differences(db) == []
        return list(db.scalars(select(contacts.c.response).order_by(contacts.c.id)))


def suppressed(ledger: Ledger) -> list[str]:
    with ledger.reading() as db:
        return list(db.scalars(select(suppressions.c.phone)))


def test_appointments_are_confirmed_cancelled_and_stopped_by_the_tags_of_a_scenario(ledger, redis_url, tmp_path: Path):
    file = tmp_path / "confirm.yaml"
    file.write_text(CAMPAIGN)
    rows = [f"apt-{place},{phone},Ann" for place, phone in enumerate(PHONES)]
    (tmp_path / "confirm.csv").write_text("\n".join(["appointment,phone,name", *rows]))
    with running(SandboxConfig(speed=SPEED)) as sandbox:
        settings = callgear(sandbox.base_url("callgear"), speed=SPEED, poll_seconds=0.1, settle_seconds=3)
        with working(ledger, redis_url, {"main": settings}) as using:
            checked = check(file, {"main": settings})
            assert not any("collects no keys" in warning for warning in checked.warnings)
            campaign = launch(ledger, checked, who="test", now=using.clock()).id
            carry_out(using, campaign)
            now = using.clock()
    assert responses(ledger) == PRESSED
    assert suppressed(ledger) == [PHONES[2]]
    assert totals(ledger, campaign).responses == {"cancel": 1, "confirmed": 1, "stop": 1, "none": 1}

    with pytest.raises(CannotRedial, match="who pressed stop"):
        redial(ledger, campaign, responses=["stop"], who="test", now=now)
    with pytest.raises(CannotRedial, match="can have pressed later"):
        redial(ledger, campaign, responses=["later"], who="test", now=now)
    again = redial(ledger, campaign, responses=["none"], who="test", now=now)
    with ledger.reading() as db:
        called = list(db.scalars(select(contacts.c.phone).where(contacts.c.campaign_id == again.id)))
    assert called == [PHONES[3]], "who was reached and pressed nothing is called again, and nobody else"


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_a_flow_posts_keys_to_the_consoles_door(ledger, redis_url, tmp_path: Path):
    with running(SandboxConfig(speed=SPEED)) as sandbox:
        settings = Settings(
            data_dir=tmp_path,
            accounts={"main": webex(sandbox.base_url("webex"), speed=SPEED, settle_seconds=60)},
            ledger=LedgerSettings(url=ledger.url),
            console=ConsoleSettings(password=console_server.PASSWORD),
        )
        with console_server.serving(create_app(settings)) as address:
            at = settings.model_copy(update={"console": ConsoleSettings(public_url=address)})
            with working(
                ledger, redis_url, settings.accounts, notify_url=lambda account: receipt_url(at, account)
            ) as using:
                keys = {"responses": {"1": "confirmed", "2": "cancel", "9": "stop"}}
                campaign = seed(ledger, PHONES, now=using.clock(), **keys)
                carry_out(using, campaign)
    assert responses(ledger) == PRESSED
    assert suppressed(ledger) == [PHONES[2]]


SCENARIO = {"call": {"kind": "scenario", "scenario_id": 23456}}
MEANINGS = {"responses": {"Confirmed": "confirmed", "Cancelled": "cancel", "Do not call": "stop"}}


def placed_unheard(ledger: Ledger, sandbox: SandboxHandle, using: Runtime) -> list[OpenAttempt]:
    """Scenario calls of people who press 1, 2, 9 and nothing, whose answers were lost: no list is looked at."""
    opened = dialing(ledger, PHONES, now=using.clock(), **SCENARIO, **MEANINGS)
    for one, phone in zip(opened, PHONES, strict=True):
        params = {
            "access_token": "sandbox-key",
            "virtual_phone_number": "18005550100",
            "external_id": str(one.id),
            "contact": phone.removeprefix("+"),
            "first_call": "contact",
            "scenario_id": 23456,
        }
        asked = {"jsonrpc": "2.0", "id": 1, "method": "start.scenario_call", "params": params}
        assert "result" in loopback.post(sandbox.base_url("callgear"), json=asked).json()
        lost = Ruling(verdict=Verdict.UNCONFIRMED)
        ledger.write(mark_unconfirmed, one, lost, settle_seconds=1.0, now=using.clock())
    return opened


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_the_data_api_tells_the_tags_of_calls_that_nobody_has_seen(ledger, redis_url):
    with running(SandboxConfig(speed=500)) as sandbox:
        settings = callgear(sandbox.base_url("callgear"), speed=500, data_api_url=f"{sandbox.url}/v2.0")
        with working(ledger, redis_url, {"main": settings}) as using:
            opened = placed_unheard(ledger, sandbox, using)
            ends = f"{sandbox.url}/_calls"
            wait_for(lambda: all(call["ended_at"] for call in loopback.get(ends).json()))
            concluded = []
            wait_for(lambda: concluded.append(sweep(using=using).concluded) or sum(concluded) == len(opened))
    assert responses(ledger) == PRESSED
    assert suppressed(ledger) == [PHONES[2]]


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_notifications_tell_the_tags_at_the_consoles_door(ledger, redis_url, tmp_path: Path):
    with running(SandboxConfig(speed=200)) as sandbox:
        settings = Settings(
            data_dir=tmp_path,
            accounts={"main": callgear(sandbox.base_url("callgear"), speed=200, notifications=True)},
            ledger=LedgerSettings(url=ledger.url),
            console=ConsoleSettings(password=console_server.PASSWORD),
        )
        with console_server.serving(create_app(settings)) as address:
            at = settings.model_copy(update={"console": ConsoleSettings(public_url=address)})
            templates = {event: template(event) for event in EVENTS}
            sandbox.configure(notify_url=receipt_url(at, "main"), notify_templates=templates)
            with working(ledger, redis_url, settings.accounts) as using:
                placed_unheard(ledger, sandbox, using)
                wait_for(lambda: responses(ledger) == PRESSED)
    assert suppressed(ledger) == [PHONES[2]]
