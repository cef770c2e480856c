"""What people press: by the tags of a scenario's calls, and by a flow that posts it; then told, counted, acted on."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.launch.redial import CannotRedial, redial
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts, suppressions
from campaigns.ledger.tallies import differences
from campaigns.reporting.report import totals
from console.web.app import create_app
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support import console_server
from tests.support.dialers import callgear, carry_out, webex, working
from tests.support.seeding import seed
from workers.secrets import receipt_url
from workers.settings import ConsoleSettings, LedgerSettings, Settings

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
