"""A campaign goes on with its next account for the vendor's own trouble, and for nothing that a person did."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select, update

from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.dispatch.dial import dial
from campaigns.dispatch.release import release
from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.ledger.tables import attempts, audit, contacts
from campaigns.lifecycle import CampaignStatus
from campaigns.safeguards import circuit_breaker
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept, halt_account, mark_unconfirmed, rule
from dialer.calls import Outcome
from dialer.deadline import utc_now
from dialer.providers.registry import account_settings
from dialer.verdicts import Meter, Ruling, Verdict
from tests.support.dialers import callgear, webex, working
from tests.support.fixtures import HandSetClock
from tests.support.seeding import campaign_row, contact, definition, dialing, fresh, numbers, seed

BOTH = {"accounts": ["main", "spare"]}
SETTINGS = account_settings(provider="callgear")
CAMPAIGN = """\
campaign: reminders
accounts: [main, spare]
contacts: {file: list.csv}
message: {tts: "Hello {{ name }}, this is the first."}
caller_id: "+18005550100"
by_account:
  spare:
    caller_id: "+18005550101"
    message: {tts: "Hello {{ name }}, this is the second account."}
"""


def ruled(ledger, clock, verdict: Verdict, **facts: Any):
    """A campaign with two accounts, to whose only request the first has answered so."""
    (one,) = dialing(ledger, numbers(1), now=clock(), **BOTH)
    ledger.write(rule, one, Ruling(verdict=verdict, **facts), SETTINGS, now=clock(), rng=Random(1))
    return campaign_row(ledger, one.campaign_id), contact(ledger, one.contact_id)


def written(folder: Path, text: str = CAMPAIGN, rows: str = "+14155550101,Ann\n") -> Path:
    (folder / "list.csv").write_text("phone,name\n" + rows)
    (folder / "reminders.yaml").write_text(text)
    return folder / "reminders.yaml"


def test_a_contact_whose_account_is_refused_is_called_by_the_next_with_its_own_number_and_words(
    ledger, redis_url, buckets, sandbox, tmp_path
):
    accounts = {
        "main": callgear(sandbox.base_url("callgear"), access_token="wrong"),
        "spare": webex(sandbox.base_url("webex")),
    }
    clock = HandSetClock(utc_now())
    campaign = launch(ledger, check(written(tmp_path), accounts), who="ann", now=clock())
    with working(ledger, redis_url, accounts, clock=lambda: clock().replace(year=2035)) as using:
        for _ in range(3):
            for one in release(using=using):
                dial(one, using=using)
    (call,) = sandbox.calls()
    assert (call["vendor"], call["from"], call["to"]) == ("webex", "+18005550101", "+14155550101")
    assert call["text_length"] == len("Hello Ann, this is the second account.")
    with ledger.reading() as db:
        tried = db.execute(select(attempts.c.account, attempts.c.caller_id).order_by(attempts.c.number)).all()
        (said,) = db.execute(select(audit).where(audit.c.event == "campaign moved to another account"))
    assert [tuple(one) for one in tried] == [("main", "+18005550100"), ("spare", "+18005550101")]
    assert said.detail.startswith("from main to spare: account main cannot dial: ")
    moved = campaign_row(ledger, campaign.id)
    assert (moved.account, moved.status) == ("spare", CampaignStatus.RUNNING)


def test_a_halted_account_moves_its_campaigns_on_and_the_last_pauses_them(ledger, clock):
    campaign, row = ruled(ledger, clock, Verdict.HALT_ACCOUNT, mnemonic="account_inactive")
    assert (campaign.account, campaign.status, row.status) == ("spare", CampaignStatus.RUNNING, "pending")
    ledger.write(halt_account, "spare", "401", now=clock())
    assert campaign_row(ledger, campaign.id).status is CampaignStatus.PAUSED, "there is none after spare"


@pytest.mark.parametrize(("wait", "account"), [(7200.0, "spare"), (40.0, "main")], ids=["the day", "a minute"])
def test_a_throttle_for_the_day_moves_on_and_one_for_a_minute_waits(ledger, clock, wait, account):
    campaign, row = ruled(ledger, clock, Verdict.THROTTLED, mnemonic="limit_exceeded", retry_after=wait)
    assert campaign.account == account
    assert (row.due_at == clock()) == (account == "spare"), "nobody waits for an account that was left"


def throttled(ledger, clock, attempt, wait: float) -> None:
    ruling = Ruling(verdict=Verdict.THROTTLED, mnemonic="limit_exceeded", retry_after=wait)
    ledger.write(rule, fresh(ledger, attempt.id), ruling, SETTINGS, now=clock(), rng=Random(1))


@pytest.mark.parametrize("waits", [(7200.0, 7200.0), (40.0, 7200.0), (7200.0, 40.0)])
def test_all_whom_the_account_told_to_wait_are_due_when_it_is_left(ledger, clock, waits):
    made = dialing(ledger, numbers(2), now=clock(), **BOTH)
    for one, wait in zip(made, waits, strict=True):
        throttled(ledger, clock, one, wait)
    assert [contact(ledger, one.contact_id).due_at for one in made] == [clock(), clock()]


def test_who_waits_for_another_reason_waits_on_when_the_account_is_left(ledger, clock):
    first, second = dialing(ledger, numbers(2), now=clock(), retry={"max_attempts": 2, "busy": ["5m"]}, **BOTH)
    ledger.write(accept, first, "c-1", SETTINGS, now=clock())
    ledger.write(conclude, fresh(ledger, first.id), Ending(outcome=Outcome.BUSY, ended_at=clock()), now=clock())
    throttled(ledger, clock, second, 7200.0)
    assert contact(ledger, first.contact_id).due_at == clock() + timedelta(minutes=5)


def test_a_contact_whose_not_after_comes_before_the_accounts_next_day_goes_to_the_next_account(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock(), not_after=clock() + timedelta(hours=1), **BOTH)
    throttled(ledger, clock, one, 7200.0)
    row = contact(ledger, one.contact_id)
    assert (row.status, row.due_at) == ("pending", clock())


@pytest.mark.parametrize(
    "verdict", [Verdict.REFUSE_CONTACT, Verdict.SUPPRESS, Verdict.HALT_CAMPAIGN, Verdict.NOT_PLACED]
)
def test_what_is_not_the_vendors_trouble_moves_nobody(ledger, clock, verdict):
    campaign, _ = ruled(ledger, clock, verdict, mnemonic="some_word")
    assert campaign.account == "main"


@pytest.mark.parametrize("outcome", [Outcome.BUSY, Outcome.REJECTED, Outcome.NO_ANSWER, Outcome.FAILED])
def test_a_call_that_was_placed_moves_nobody_however_it_ended(ledger, clock, outcome):
    """jambonz dials a declined call again at once through its next gateway."""
    retry = {"max_attempts": 2, outcome.value: ["5m"]}
    (one,) = dialing(ledger, numbers(1), now=clock(), retry=retry, **BOTH)
    ledger.write(accept, one, "c-1", SETTINGS, now=clock())
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=outcome, ended_at=clock()), now=clock())
    assert campaign_row(ledger, one.campaign_id).account == "main"
    assert contact(ledger, one.contact_id).status == "pending"


def test_an_unconfirmed_attempt_stays_with_the_account_that_made_it(ledger, clock, redis_url, buckets):
    first, second = dialing(ledger, numbers(2), now=clock(), **BOTH)
    unanswered = Ruling(verdict=Verdict.UNCONFIRMED)
    ledger.write(mark_unconfirmed, first, unanswered, settle_seconds=180.0, now=clock())
    halted = Ruling(verdict=Verdict.HALT_ACCOUNT, mnemonic="auth_error")
    ledger.write(rule, second, halted, SETTINGS, now=clock(), rng=Random(1))
    with working(ledger, redis_url, {"main": callgear(), "spare": webex()}, clock=clock) as using:
        released = [contact_id for one in release(using=using) for contact_id in one.contact_ids]
    assert campaign_row(ledger, first.campaign_id).account == "spare"
    assert released == [second.contact_id]


def test_an_account_whose_day_is_used_up_is_left_before_it_is_asked(ledger, clock, redis_url, buckets):
    with working(ledger, redis_url, {"main": callgear(), "spare": webex()}, clock=clock) as using:
        bucket = using.accounts["main"].bucket
        assert bucket.acquire("first").granted
        used = Meter(minute_limit=10, minute_remaining=9, minute_reset=40, day_limit=5, day_remaining=0, day_reset=7200)
        bucket.settle("first", charged=True, meter=used)
        campaign_id = seed(ledger, numbers(2), now=clock(), **BOTH)
        assert release(using=using) == []
        assert campaign_row(ledger, campaign_id).account == "spare"
        assert sum(len(one.contact_ids) for one in release(using=using)) == 2


def test_an_open_breaker_moves_on(ledger, clock, redis_url, buckets):
    many = dialing(ledger, numbers(30), now=clock(), **BOTH)
    down = Ruling(verdict=Verdict.NOT_PLACED, detail="HTTP 503")
    for one in many:
        ledger.write(rule, fresh(ledger, one.id), down, SETTINGS, now=clock(), rng=Random(1))
    clock.forward(1)
    ledger.write(circuit_breaker.watch, clock())
    campaign = campaign_row(ledger, many[0].campaign_id)
    assert (campaign.account, campaign.status) == ("spare", CampaignStatus.RUNNING)
    ledger.write(circuit_breaker.watch, clock.forward(1))
    assert campaign_row(ledger, campaign.id).status is CampaignStatus.RUNNING, "what the first did is not the second's"
    with ledger.writing() as db:
        db.execute(update(contacts).values(due_at=clock()))


# What is written


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("[main, spare]", "[main, sparre]"), "by_account.spare: is not among the accounts"),
        (("accounts: [main, spare]", "account: main\naccounts: [spare, main]"), "both account and accounts"),
        (("[main, spare]", "[main, main]"), "twice"),
        (("  spare:\n", "  other:\n"), "other"),
        (("this is the second account.", "{{ nothing }}"), 'spare.message.tts: list.csv has no column "nothing"'),
        (("this is the second account.", "{{ name | date }}"), "cannot speak to 1 contact; line 2"),
        (
            ("  spare:\n", "  main: {message: {tts: '{{ name | date }}'}}\n  spare:\n"),
            "main cannot speak to 1 contact; line 2",
        ),
    ],
)
def test_accounts_that_cannot_be_used_are_named_before_anybody_is_called(tmp_path, change, named):
    accounts = {"main": callgear(), "spare": webex()}
    with pytest.raises(DefinitionFaults) as refused:
        check(written(tmp_path, CAMPAIGN.replace(*change)), accounts)
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("header", "rows", "called"),
    [
        ("phone,Customer", "+14155550101,Ann\n", "Ann"),
        ("phone,customer name,name", "+14155550101,Ann,Smith & Sons\n", "Ann"),  # its own `name` is another column
        ("name;Customer;phone", "x;Änn;+14155550101\n", "Änn"),
    ],
)
def test_another_accounts_message_uses_the_columns_as_they_are_mapped(ledger, clock, tmp_path, header, rows, called):
    column = next(name for name in re.split("[,;]", header) if name.lower().startswith("customer"))
    mapping = f'{{file: list.csv, columns: {{name: "{column}"}}}}'
    file = written(tmp_path, CAMPAIGN.replace("{file: list.csv}", mapping))
    (tmp_path / "list.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
    campaign = launch(ledger, check(file, {"main": callgear(), "spare": webex()}), who="ann", now=clock())
    with ledger.reading() as db:
        fields = db.scalar(select(contacts.c.fields).where(contacts.c.campaign_id == campaign.id))
    own = campaign.definition.for_account("spare").template
    assert own.render(fields) == f"Hello {called}, this is the second account."


@pytest.mark.parametrize("blank", ["", "N/A", "\u200b", " - "])
def test_a_mapped_value_that_is_blank_is_none_for_another_account_either(tmp_path, blank):
    mapping = "{file: list.csv, columns: {name: Customer}}"
    text = CAMPAIGN.replace("{file: list.csv}", mapping).replace("Hello {{ name }}, this is the first", "Hello")
    file = written(tmp_path, text)
    (tmp_path / "list.csv").write_text(f"phone,Customer\n+14155550101,{blank}\n", encoding="utf-8")
    with pytest.raises(DefinitionFaults, match="spare cannot speak to 1 contact; line 2: name is blank"):
        check(file, {"main": callgear(), "spare": webex()})


@pytest.mark.parametrize("account", ["main", "spare"])
@pytest.mark.parametrize(
    ("own", "wrong"),
    [
        ("'Reminder {{ reminder }} of your appointment, {{ name }}.'", None),
        ("'Hello. {% if reminder == \"2h\" %}{{ name | date }}{% endif %}'", "cannot speak to 1 contact; line 2"),
        ("'{{ remainder }}'", 'has no column "remainder"'),
    ],
)
def test_an_accounts_own_message_is_checked_for_each_reminder(tmp_path, account, own, wrong):
    text = CAMPAIGN[: CAMPAIGN.index("by_account")] + "schedule: {before: {column: at, at: [3d, 2h]}}\n"
    file = written(tmp_path, f"{text}by_account: {{{account}: {{message: {{tts: {own}}}}}}}\n")
    (tmp_path / "list.csv").write_text("phone,name,at\n+14155550101,Ann,2099-12-01 10:00\n")
    accounts = {"main": callgear(), "spare": webex()}
    if wrong is None:
        assert check(file, accounts).rejects == ()
    else:
        with pytest.raises(DefinitionFaults, match=wrong):
            check(file, accounts)


def test_an_account_that_is_not_in_the_settings_or_leads_elsewhere_is_named(tmp_path):
    with pytest.raises(DefinitionFaults, match="no account 'spare'"):
        check(written(tmp_path), {"main": callgear()})
    with pytest.raises(DefinitionFaults, match="leads to a sandbox"):
        check(written(tmp_path), {"main": callgear(), "spare": webex(sandbox=True)})


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ("call: {kind: scenario, scenario_id: 7}", "call"),
        ('call: {kind: simple, operator: "+18005550199"}', "call"),
        ('dtmf: "1.2"', "dtmf"),
        ("ring_timeout: 30", None),  # without it a call is the same
        ("call: {kind: informer}", None),
    ],
)
def test_an_account_that_would_place_another_call_is_refused(tmp_path, more, missing):
    accounts = {"main": callgear(), "spare": webex()}
    file = written(tmp_path, f"{CAMPAIGN}{more}\n")
    if missing is None:
        assert check(file, accounts).bad_rows == 0
        return
    with pytest.raises(DefinitionFaults, match=f"account spare has no {missing}, and the campaign may go on with it"):
        check(file, accounts)


def test_a_text_that_is_too_long_for_the_next_account_is_found_at_the_check(tmp_path):
    accounts = {"main": callgear(), "spare": webex()}
    long = CAMPAIGN.replace("this is the second account.", "x" * 2100)
    with pytest.raises(DefinitionFaults, match="cannot speak to 2 contacts; line 2"):
        check(written(tmp_path, long, "+14155550101,Ann\n+14155550102,Bob\n"), accounts)


def test_one_account_is_written_as_before():
    assert definition().accounts == ()
    assert definition(account="main", accounts=["main", "spare"]).account == "main"
    with pytest.raises(ValidationError):
        definition(by_account={"main": {}})
