"""Redial, clone, test call: new campaigns from one that there is, each leaving the first as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select

from campaigns.definition import load_definition
from campaigns.launch.call_test_number import NotListed, RowNotCalled, call_test_number
from campaigns.launch.checking.checks import check
from campaigns.launch.clone import clone, definition_yaml
from campaigns.launch.launch import CampaignNotEnded, launch
from campaigns.launch.redial import CannotRedial, redial
from campaigns.ledger.queries import NoSuchCampaign
from campaigns.ledger.tables import audit, contacts
from campaigns.lifecycle import CampaignStatus
from campaigns.operations import control
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept
from dialer.calls import Outcome
from dialer.phone import PhoneNumber
from dialer.providers.registry import account_settings
from tests.support.examples import EXAMPLE_NAMES, EXAMPLES
from tests.support.seeding import campaign_row, dialing, fresh, numbers, seed

ACCOUNT = account_settings(**{"provider": "callgear", "access_token": "k"})
FIVE = (Outcome.ANSWERED, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.REJECTED, Outcome.NO_ANSWER)


@pytest.fixture
def over(ledger, clock) -> str:
    """A campaign that is over: one contact reached, four not, each by its own outcome; the first was cancelled."""
    opened = dialing(ledger, numbers(len(FIVE)), now=clock())
    for one, outcome in zip(opened, FIVE, strict=True):
        ledger.write(accept, fresh(ledger, one.id), f"c-{one.contact_id}", ACCOUNT, now=clock())
        ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=outcome, ended_at=clock()), now=clock())
    control.cancel(ledger, opened[0].campaign_id, who="ann", now=clock.forward(60))
    return opened[0].campaign_id


def phones(ledger, campaign_id: str) -> set[str]:
    with ledger.reading() as db:
        return set(db.scalars(select(contacts.c.phone).where(contacts.c.campaign_id == campaign_id)))


def noted(ledger) -> list[tuple[str, str, str | None]]:
    with ledger.reading() as db:
        return [(row.who, row.event, row.campaign_id) for row in db.execute(select(audit).order_by(audit.c.id))]


@pytest.mark.parametrize(
    ("outcomes", "places"),
    [
        ((), [1, 2, 3, 4]),
        (("no_answer",), [1, 4]),
        (("no_answer", "busy"), [1, 2, 4]),
        (("rejected",), [3]),
        (("cancelled", "busy"), [2]),
    ],
)
def test_those_who_were_not_reached_are_called_again_by_outcome(ledger, clock, over, outcomes, places):
    started = redial(ledger, over, outcomes, who="bob", now=clock())
    everybody = numbers(len(FIVE))
    assert (started.id, started.status) == ("reminders-2", CampaignStatus.RUNNING)
    assert phones(ledger, started.id) == {everybody[place] for place in places}
    assert phones(ledger, over) == set(everybody), "the first stays as it was"
    assert ("bob", "campaign redialed", over) in noted(ledger)
    with ledger.reading() as db:
        rows = db.execute(select(contacts).where(contacts.c.campaign_id == started.id)).all()
    assert {(row.status, row.attempts, row.tries, row.due_at) for row in rows} == {("pending", 0, 0, clock())}
    assert all(row.text for row in rows)


def test_nobody_is_called_again_by_a_word_that_means_nothing_or_nobody(ledger, clock, over):
    for outcomes, said in ((["reached"], "reached"), (["refused"], "refused"), (["busy", "bsy"], "bsy")):
        with pytest.raises(CannotRedial, match=f"called again for {said}") as refused:
            redial(ledger, over, outcomes, who="bob", now=clock())
        assert "no_answer" in refused.value.remedy
    with pytest.raises(CannotRedial, match="no contact that ended as failed"):
        redial(ledger, over, ["failed"], who="bob", now=clock())
    with pytest.raises(NoSuchCampaign):
        redial(ledger, "ghost", who="bob", now=clock())
    assert phones(ledger, "reminders-2") == set()


def test_a_campaign_that_still_calls_is_not_redialed(ledger, clock):
    going_on = seed(ledger, numbers(1), now=clock())
    with pytest.raises(CannotRedial, match="is running and still calls"):
        redial(ledger, going_on, who="bob", now=clock())
    control.cancel(ledger, going_on, who="bob", now=clock())
    seed(ledger, numbers(1), now=clock())
    with pytest.raises(CannotRedial, match="reminders-2, of the same name, has not ended"):
        redial(ledger, going_on, ["cancelled"], who="bob", now=clock())


@pytest.fixture
def slow_to_admit(ledger) -> Iterator[None]:
    """Whoever writes contacts takes a while, so that another comes meanwhile."""

    def wait(_db, _cursor, statement, *_rest) -> None:
        if statement.startswith("INSERT INTO contacts"):
            time.sleep(0.5)

    event.listen(ledger.engine, "before_cursor_execute", wait)
    yield
    event.remove(ledger.engine, "before_cursor_execute", wait)


def test_of_two_redials_at_once_one_starts(ledger, clock, over, slow_to_admit):
    def go(who: str) -> str:
        try:
            return redial(ledger, over, who=who, now=clock()).id
        except CannotRedial as exc:
            return exc.message

    with ThreadPoolExecutor(2) as operators:
        said = sorted(operators.map(go, ["ann", "bob"]))
    assert said == ["reminders-2", "reminders-2, of the same name, has not ended yet"]


@pytest.mark.slow
def test_of_a_redial_and_a_launch_at_once_one_starts(ledger, clock, over, slow_to_admit, tmp_path):
    (tmp_path / "list.csv").write_text("phone\n+14155550101\n")
    file = tmp_path / "reminders.yaml"
    file.write_text(
        "campaign: reminders\naccount: main\ncontacts: {file: list.csv}\n"
        'message: {tts: "Hello"}\ncaller_id: "+18005550100"\n'
    )
    checked = check(file, {"main": ACCOUNT})

    def go(start: Callable[[], object]) -> bool:
        try:
            start()
        except (CannotRedial, CampaignNotEnded):
            return False
        return True

    both = [
        lambda: redial(ledger, over, who="ann", now=clock()),
        lambda: launch(ledger, checked, who="bob", now=clock()),
    ]
    with ThreadPoolExecutor(2) as operators:
        assert sorted(operators.map(go, both)) == [False, True]


def test_a_campaign_whose_end_has_passed_is_not_redialed_in_vain(ledger, clock):
    ends = clock() + timedelta(hours=1)
    old = seed(ledger, numbers(1), now=clock(), schedule={"zone": "UTC", "end": ends.isoformat(timespec="minutes")})
    control.cancel(ledger, old, who="bob", now=clock())
    clock.forward(7200)
    with pytest.raises(CannotRedial, match="has passed") as refused:
        redial(ledger, old, ["cancelled"], who="bob", now=clock())
    assert "dialer clone" in refused.value.remedy


@pytest.mark.parametrize("name", EXAMPLE_NAMES)
def test_a_clone_says_what_the_first_said(tmp_path, name):
    definition = load_definition(EXAMPLES / f"{name}.yaml")
    copy = tmp_path / "copy.yaml"
    copy.write_text(definition_yaml(definition), encoding="utf-8")
    assert load_definition(copy) == definition
    copy.write_text(definition_yaml(definition, "another"), encoding="utf-8")
    assert load_definition(copy).campaign == "another"


def test_a_clone_leaves_an_audit_line(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock())
    assert "campaign: again" in clone(ledger, campaign_id, name="again", who="ann", now=clock())
    assert ("ann", "campaign cloned", campaign_id) in noted(ledger)


@pytest.fixture
def first(tmp_path) -> Path:
    (tmp_path / "list.csv").write_text("phone,name\n+14155550101,Ann\n+14155550102,Bob\n12,Eve\n")
    file = tmp_path / "first.yaml"
    file.write_text(
        "campaign: first\naccount: main\ncontacts: {file: list.csv}\n"
        'message: {tts: "Hello {{ name }}"}\ncaller_id: "+18005550100"\nretry: {max_attempts: 3, busy: 5m}\n'
        'schedule: {zone: UTC, windows: {sun: "03:00-03:01"}, end: 2026-01-01T09:00}\n'
    )
    return file


def call(ledger, clock, file, **named):
    listed = [PhoneNumber("+12125550199")]
    given = {"test_numbers": listed, "who": "ann", "now": clock(), "line": None}
    return call_test_number(ledger, file, {"main": ACCOUNT}, PhoneNumber("+12125550199"), **given | named)


def test_a_test_call_says_a_contacts_text_to_a_listed_number_once_now_and_before_all(ledger, clock, first):
    started = call(ledger, clock, first, line=3)
    assert (started.id, started.status, started.contacts) == ("first-test-1", CampaignStatus.RUNNING, 1)
    with ledger.reading() as db:
        (row,) = db.execute(select(contacts)).all()
    assert (row.phone, row.text) == ("+12125550199", "Hello Bob")
    definition = campaign_row(ledger, started.id).definition
    assert definition.urgent
    assert definition.windows.is_open(clock(), ZoneInfo("UTC"))
    assert (definition.retry, definition.ends_at) == (None, None)
    assert call(ledger, clock, first).id == "first-test-2", "it may be repeated at once"


def test_a_test_call_goes_to_nobody_who_is_not_listed(ledger, clock, first):
    with pytest.raises(NotListed, match="not among the test numbers") as refused:
        call(ledger, clock, first, test_numbers=[])
    assert "test_numbers" in refused.value.remedy
    assert "+12125550199" not in str(refused.value)
    with pytest.raises(RowNotCalled, match=r"list\.csv:4"):
        call(ledger, clock, first, line=4)
    assert noted(ledger) == []
