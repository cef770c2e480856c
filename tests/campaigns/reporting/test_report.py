"""The report says of every contact what became of it, and its files open in a spreadsheet without harm."""

from __future__ import annotations

import csv
import threading
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import update

from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.queries import NoSuchCampaign
from campaigns.ledger.tables import contacts
from campaigns.reporting.csv_sheets import ATTEMPT_COLUMNS, CONTACT_COLUMNS, csv_cell
from campaigns.reporting.report import report
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept, rule
from dialer.calls import Outcome
from dialer.providers.registry import account_settings
from dialer.verdicts import Ruling, Verdict
from tests.support.seeding import claim, contact, dial_again, dialing, fresh, numbers, open_all, seed
from tests.support.statements import sqlite_plans, statements
from tests.support.statuses import as_contact

SETTINGS = account_settings(provider="callgear")


def lines(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as read:
        return list(csv.DictReader(read))


def ended(ledger, one, outcome, now, **facts):
    ledger.write(accept, fresh(ledger, one.id), f"call-{one.id}", SETTINGS, now=now)
    ledger.write(conclude, fresh(ledger, one.id), Ending(outcome=outcome, ended_at=now, **facts), now=now)


@pytest.fixture
def ran(ledger, clock):
    """A campaign with one contact of each kind, in the order of its list; returns its id."""
    retry = {"max_attempts": 3, "busy": ["5m"]}
    answered, busy, refused, unknown, never = dialing(ledger, numbers(5), now=clock(), retry=retry)
    clock.forward(10)
    ended(ledger, answered, Outcome.ANSWERED, clock(), talk_seconds=7.25, answered_at=clock() - timedelta(seconds=7))
    ended(ledger, busy, Outcome.BUSY, clock())
    no = Ruling(verdict=Verdict.REFUSE_CONTACT, mnemonic="data_type_error", code="-32602", detail="not a number")
    ledger.write(rule, fresh(ledger, refused.id), no, SETTINGS, now=clock(), rng=Random(1))
    ended(ledger, unknown, Outcome.UNKNOWN, clock(), detail="nobody looked for 9.3 s", reason="nobody looked enough")
    with ledger.writing() as db:
        changed = as_contact("suppressed", clock(), reason="on the suppression list: asked us")
        db.execute(update(contacts).where(contacts.c.id == never.contact_id).values(**changed))
    ended(ledger, dial_again(ledger, busy.contact_id, now=clock.forward(300)), Outcome.BUSY, clock.forward(5))
    return answered.campaign_id


def test_the_totals_add_up(ledger, clock, ran, tmp_path):
    told = report(ledger, ran, tmp_path)
    assert told.final == {"reached": 1, "unreached": 1, "refused": 1, "suppressed": 1, "unknown": 1}
    assert (told.contacts, told.open, told.unknown_contacts) == (5, {}, 1)
    assert (told.attempts, told.requests) == (4, 6)
    assert told.outcomes == {"busy": 2, "answered": 1, "unknown": 1}
    assert sum(count for _, _, count in told.reasons) + told.final["reached"] == told.contacts
    assert ("unreached", "busy after 2 attempts", 1) in told.reasons
    assert ("refused", "data_type_error: not a number", 1) in told.reasons


def test_every_attempt_has_its_line_with_the_columns_that_were_promised(ledger, clock, ran, tmp_path):
    told = report(ledger, ran, tmp_path)
    rows = lines(told.attempts_file)
    assert tuple(rows[0]) == ATTEMPT_COLUMNS
    assert [row["contact_row"] for row in rows] == ["2", "3", "3", "4", "5", "6"]
    assert [row["attempt_no"] for row in rows] == ["1", "1", "2", "1", "1", "1"]
    assert [row["outcome"] for row in rows[:5]] == ["answered", "busy", "busy", "not_placed", "unknown"]
    assert (rows[3]["mnemonic"], rows[3]["provider_code"]) == ("data_type_error", "-32602")
    assert (rows[0]["talk_seconds"], rows[0]["provider_call_id"][:5]) == ("7.2", "call-")
    assert rows[1]["next_attempt_at"] == "2026-12-01T15:05:10.000+00:00"
    assert rows[2]["next_attempt_at"] == ""


def test_a_contacts_attempts_are_found_by_the_contact_and_not_among_all_of_its_campaign(ledger, ran, tmp_path):
    with sqlite_plans(ledger) as plans, statements(ledger) as texts:
        report(ledger, ran, tmp_path)
    assert not [plan for plan in plans if "LEFT-JOIN" in plan and "campaign_id" in plan]
    joined = [text for text in texts if "JOIN attempts" in text]
    assert ["attempts.campaign_id = " in text for text in joined] == [not ledger.has_one_writer]


def test_times_carry_their_offset(ledger, clock, ran, tmp_path):
    told = report(ledger, ran, tmp_path)
    names = ("scheduled_at", "queued_at", "submitted_at", "answered_at", "ended_at", "next_attempt_at")
    written = [row[name] for row in lines(told.attempts_file) for name in names if row[name]]
    assert len(written) > 15
    assert all(datetime.fromisoformat(moment).utcoffset() == timedelta(0) for moment in written)


def test_a_contact_that_was_never_called_says_why(ledger, clock, tmp_path):
    campaign_id = seed(ledger, numbers(2), now=clock())
    _, ids = claim(ledger, campaign_id, 1, now=clock())
    ledger.write(suppress, numbers(1)[0], reason="asked us", source="test", now=clock())
    with ledger.writing() as db:
        changed = as_contact("suppressed", clock(), reason="on the suppression list: asked us")
        db.execute(update(contacts).where(contacts.c.id == ids[0]).values(**changed))
    first, second = lines(report(ledger, campaign_id, tmp_path).attempts_file)
    assert first["skipped_reason"] == "suppressed: on the suppression list: asked us"
    assert (first["external_id"], first["attempt_no"], first["submitted_at"]) == ("", "", "")
    assert second["skipped_reason"] == "pending"
    assert second["scheduled_at"] == "2026-12-01T15:00:00.000+00:00"


def test_contacts_have_a_file_of_their_own(ledger, clock, ran, tmp_path):
    rows = lines(report(ledger, ran, tmp_path).contacts_file)
    assert tuple(rows[0]) == CONTACT_COLUMNS
    assert [row["status"] for row in rows] == ["reached", "unreached", "refused", "unknown", "suppressed"]
    assert [row["attempts"] for row in rows] == ["1", "2", "0", "1", "0"]
    assert rows[3]["reason"] == "nobody looked enough", "without its figure, so that reasons add up"


def test_no_file_holds_a_number_or_a_text(ledger, clock, ran, tmp_path):
    told = report(ledger, ran, tmp_path)
    written = told.attempts_file.read_text() + told.contacts_file.read_text()
    assert not any(phone[1:] in written for phone in numbers(5))
    assert "+1415*****00" in written
    assert "appointment" not in written


def test_an_open_campaign_has_a_report_too(ledger, clock, tmp_path):
    (one,) = dialing(ledger, numbers(1), now=clock())
    told = report(ledger, one.campaign_id, tmp_path)
    assert (told.final, told.open, told.contacts) == ({}, {"dialing": 1}, 1)


def test_a_campaign_that_is_not_there_leaves_no_file(ledger, clock, tmp_path):
    with pytest.raises(NoSuchCampaign):
        report(ledger, "ghost", tmp_path / "reports")
    assert not (tmp_path / "reports").exists()


@pytest.mark.slow
def test_reports_made_at_the_same_time_are_whole_each(ledger, clock, tmp_path):
    campaign_id = seed(ledger, [f"+1415{n:07}" for n in range(5550100, 5550500)], now=clock())
    trouble: list[Exception] = []

    def write() -> None:
        try:
            for _ in range(3):
                assert len(lines(report(ledger, campaign_id, tmp_path).contacts_file)) == 400
        except Exception as exc:
            trouble.append(exc)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert trouble == []
    assert {file.suffix for file in tmp_path.iterdir() if file.name.startswith("reminders")} == {".csv"}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-32602: not a number", "'-32602: not a number"),
        ("-32602", "-32602"),
        ("+1415*****01", "+1415*****01"),
        ("+18005550100", "+18005550100"),
        ("busy after 2 attempts", "busy after 2 attempts"),
        (None, ""),
        (3, "3"),
    ],
)
def test_no_cell_starts_a_formula_and_numbers_stay_numbers(value, kept):
    assert csv_cell(value) == kept


def test_a_reason_in_a_providers_words_cannot_be_a_formula(ledger, clock, tmp_path):
    (one,) = dialing(ledger, numbers(1), now=clock())
    evil = Ruling(verdict=Verdict.REFUSE_CONTACT, mnemonic="=HYPERLINK(1)", detail="x")
    ledger.write(rule, one, evil, SETTINGS, now=clock(), rng=Random(1))
    told = report(ledger, one.campaign_id, tmp_path)
    assert lines(told.contacts_file)[0]["reason"] == "'=HYPERLINK(1): x"
    assert lines(told.attempts_file)[0]["mnemonic"] == "'=HYPERLINK(1)"


def test_the_report_knows_what_was_tried_before_the_campaign_was_claimed_anew(ledger, clock, tmp_path):
    campaign_id = seed(ledger, numbers(1), now=clock())
    claim_id, ids = claim(ledger, campaign_id, 1, now=clock())
    open_all(ledger, claim_id, ids, now=clock())
    assert contact(ledger, ids[0]).tries == 1
    assert report(ledger, campaign_id, tmp_path).requests == 1


def test_whom_to_follow_up_is_a_list_again_in_the_columns_it_came_in(ledger, clock, ran, tmp_path):
    with ledger.writing() as db:
        db.execute(update(contacts).values(fields={"first_name": "Ann", "note": "=1+1"}))
    told = report(ledger, ran, tmp_path)
    rows = lines(told.follow_up_file)
    assert tuple(rows[0]) == ("phone", "first_name", "note", "_line", "_status", "_reason")
    assert [(row["_line"], row["_status"]) for row in rows] == [("3", "unreached"), ("4", "refused"), ("5", "unknown")]
    assert [row["phone"] for row in rows] == numbers(5)[1:4], (
        "whole, for people to call; not those who asked us to stop"
    )
    assert {row["note"] for row in rows} == {"'=1+1"}


def test_when_everybody_was_reached_there_is_nobody_to_follow_up(ledger, clock, tmp_path):
    (one,) = dialing(ledger, numbers(1), now=clock())
    ended(ledger, one, Outcome.ANSWERED, clock())
    assert report(ledger, one.campaign_id, tmp_path).follow_up_file is None
