"""Every example that ships is rehearsed to its end."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from campaigns.definition import Definition, load_definition
from campaigns.launch.call_test_number import call_test_number
from campaigns.launch.checking.checks import check
from campaigns.launch.clone import definition_yaml
from campaigns.launch.launch import launch
from campaigns.ledger.tables import audit, contacts
from dialer.deadline import utc_now
from dialer.phone import PhoneNumber
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from scripts.examples_page import lay_out
from tests.support.dialers import callgear, carry_out, door, webex, working
from tests.support.examples import EXAMPLE_NAMES, EXAMPLES
from tests.support.webhook_receiver import Event, Told, receiving, sending
from workers.rehearsal.rehearsal import rehearse
from workers.settings import Settings

ALERTED, MOST_ROWS = 3, 5
MONDAY = datetime(2035, 3, 12, 15, tzinfo=UTC)  # eleven in New York, ten in Chicago
SPEED = 10


def at_any_hour(definition: Definition) -> str:
    """The example without its hours, for the test runs when it runs."""
    schedule = definition.schedule.model_copy(update={"windows": None})
    return definition_yaml(definition.model_copy(update={"schedule": schedule}))


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", EXAMPLE_NAMES)
def test_an_example_is_rehearsed_to_its_end(ledger, tmp_path, name):
    """By its own hours, from a Monday morning on: the first rows of its list, from every account that it names."""
    definition = load_definition(EXAMPLES / f"{name}.yaml")
    lay_out(name, tmp_path)
    listed = tmp_path / f"{'first' if definition.contacts.file == 'first.csv' else name}.csv"
    listed.write_bytes(b"".join(listed.read_bytes().splitlines(keepends=True)[: 1 + MOST_ROWS]))
    prices = {"currency": "USD", "per_minute": "0.05"}
    accounts = {"main": callgear(), "callgear": callgear(prices=prices), "webex": webex()}
    settings = Settings(data_dir=tmp_path / "data", accounts=accounts)
    rehearsed = rehearse(tmp_path / f"{name}.yaml", settings, ledger, begins=MONDAY)
    totals, course = rehearsed.totals, rehearsed.course
    assert totals.status == "finished", totals.reason
    assert sum(totals.final.values()) == totals.contacts >= 2
    assert totals.final["reached"] >= 1
    assert min(course.by_day) == MONDAY.date()
    assert sum(course.by_day.values()) == totals.attempts <= rehearsed.plan.most_calls


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_the_example_that_asks_calls_whom_its_program_lets_go(ledger, redis_url, buckets, tmp_path):
    definition = load_definition(EXAMPLES / "asked.yaml")
    shutil.copy(EXAMPLES / definition.contacts.file, tmp_path)

    def answer(event: Event) -> Told:
        about = [
            {"id": one["id"], "answer": "skip" if one["key"] == "apt-7013" else "go"} for one in event.data["contacts"]
        ]
        return 200, {}, json.dumps({"answers": about}).encode()

    fast = {"speed": SPEED, "timeout": 2, "poll_seconds": 0.1, "settle_seconds": 3, "sandbox": True}
    with running(SandboxConfig(seed=1, speed=SPEED)) as sandbox, receiving() as program, sending() as posts:
        program.answer = answer
        (tmp_path / "asked.yaml").write_text(
            at_any_hour(definition).replace(str(definition.before_dial.url), program.url), encoding="utf-8"
        )
        accounts = {"main": callgear(sandbox.base_url("callgear"), **fast)}
        with working(ledger, redis_url, accounts, posts=posts) as using:
            campaign = launch(ledger, check(tmp_path / "asked.yaml", accounts), who="test", now=utc_now())
            carry_out(using, campaign.id)
        called = len(sandbox.calls())
    with ledger.reading() as db:
        rows = db.execute(select(contacts.c.key, contacts.c.status).order_by(contacts.c.id)).all()
    assert dict(map(tuple, rows)) == {"apt-7012": "reached", "apt-7013": "withdrawn", "apt-7014": "reached"}
    assert called == 2


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_the_alert_goes_on_with_its_second_account_when_the_first_cannot_dial(ledger, redis_url, buckets, tmp_path):
    """CallGear refuses the key; Webex Connect calls everybody, from its own number."""
    shutil.copy(EXAMPLES / "outage.csv", tmp_path)
    file = tmp_path / "outage.yaml"
    file.write_text(at_any_hour(load_definition(EXAMPLES / "outage.yaml")), encoding="utf-8")
    fast = {"speed": SPEED, "timeout": 2, "poll_seconds": 0.1, "settle_seconds": 3, "sandbox": True}
    with running(SandboxConfig(seed=1, speed=SPEED)) as sandbox:
        refused = callgear(sandbox.base_url("callgear"), **fast, access_token="wrong")
        accounts = {"main": refused, "webex": webex(sandbox.base_url("webex"), **fast)}
        opened = {}
        with (
            door(ledger, lambda: opened["accounts"]) as notify_url,
            working(ledger, redis_url, accounts, notify_url=notify_url) as using,
        ):
            opened["accounts"] = using.accounts
            campaign = launch(ledger, check(file, accounts), who="test", now=utc_now())
            carry_out(using, campaign.id)
        calls = sandbox.calls()
    with ledger.reading() as db:
        statuses = list(db.scalars(contacts.select().with_only_columns(contacts.c.status)))
        (moved,) = db.scalars(select(audit.c.detail).where(audit.c.event == "campaign moved to another account"))
    assert statuses == ["reached"] * ALERTED
    assert {(call["vendor"], call["from"]) for call in calls} == {("webex", "+18005550101")}
    assert len(calls) == ALERTED, "nobody was called by both"
    assert moved.startswith("from main to webex: ")


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_a_test_call_rings_the_listed_number_although_no_hour_is_open(ledger, redis_url, buckets, tmp_path):
    (tmp_path / "list.csv").write_text("phone,name\n+14155550101,Ann\n")
    file = tmp_path / "closed.yaml"
    file.write_text(
        "campaign: closed\naccount: main\ncontacts: {file: list.csv}\nmessage: {tts: 'Hello {{ name }}, until then'}\n"
        'caller_id: "+18005550100"\nschedule: {zone: UTC, end: 2026-01-01T09:00}\n'
    )
    fast = {"speed": SPEED, "timeout": 2, "poll_seconds": 0.1, "settle_seconds": 3, "sandbox": True}
    mine = PhoneNumber("+12125550199")
    with running(SandboxConfig(seed=1, speed=SPEED)) as sandbox:
        account = callgear(sandbox.base_url("callgear"), **fast)
        with working(ledger, redis_url, {"main": account}) as using:
            started = call_test_number(
                ledger, file, {"main": account}, mine, test_numbers=[mine], line=2, who="test", now=utc_now()
            )
            carry_out(using, started.id)
        (call,) = sandbox.calls()
    assert call["to"].endswith("12125550199")
