"""The clinic's three reminders of each appointment: checked, previewed, planned and started, years ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import select

from campaigns.definition import load_definition
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.checking.checks import check, open_audience
from campaigns.launch.launch import launch
from campaigns.launch.preview import preview
from campaigns.ledger.tables import contacts
from campaigns.planning.plan import make_plan
from campaigns.planning.row_forecasts import row_forecasts
from campaigns.reporting.explain import contact_story
from tests.support.dialers import callgear
from tests.support.examples import EXAMPLES

EXAMPLE = EXAMPLES / "clinic.yaml"
ACCOUNTS = {"main": callgear()}
NOW = datetime(2035, 3, 12, 12, tzinfo=UTC)


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_each_contact_waits_for_its_first_reminder_and_says_so(ledger):
    checked = check(EXAMPLE, ACCOUNTS)
    assert checked.all_warnings(NOW)[0] == "2 contacts have an appointment nearer than 3d: that reminder is left out"
    campaign = launch(ledger, checked, who="test", now=NOW)
    with ledger.reading() as db:
        rows = db.execute(select(contacts).order_by(contacts.c.id)).all()
    assert [row.reminder for row in rows] == [2, 2, 1, 1]
    story = contact_story(ledger, rows[0].id, now=NOW)
    assert story.why == "it waits for its next call: the reminder 1d before its appointment"
    assert (story.clears_at, story.reminder, story.campaign.id) == (rows[0].due_at, "1d", campaign.id)


def test_the_preview_shows_what_each_reminder_says():
    shown = preview(EXAMPLE, ACCOUNTS)
    assert [reminder.reminder for reminder in shown.reminders] == ["3d", "1d", "2h"]
    assert "press 1" in (shown.reminders[0].text or "")
    assert "We expect you today at 3:40 PM." in (shown.reminders[2].text or "")
    assert shown.reminders[1].at - shown.reminders[0].at == timedelta(days=2)


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_the_plan_calls_once_for_each_reminder_that_is_left(ledger):
    plan = make_plan(open_audience(EXAMPLE, ACCOUNTS), ACCOUNTS["main"], ledger, now=NOW, rng=Random(1))
    forecasts = list(row_forecasts(plan))
    assert [row.line for row in forecasts if row.fate == "dial"] == [2, 2, 3, 3, 4, 4, 4, 5, 5, 5]
    others = [(row.line, row.fate, row.reason) for row in forecasts if row.fate != "dial"]
    nearer = "its appointment is nearer than its reminder 3d before"
    assert others == [(2, "left out", nearer), (3, "left out", nearer)]


CLOSED = """\
campaign: closed
account: main
contacts: {file: closed.csv}
message: {tts: "Hello {{ name }}, we expect you at {{ at | time }}. Please be there in time."}
caller_id: "+18005550100"
schedule: {zone: America/New_York, windows: {mon-fri: "09:00-18:00"}, before: {column: at, at: [1d, 1h, 20m]}}
"""
VISITS = [
    ("+12125550101", "2035-03-14T12:00"),  # Wednesday: all three
    ("+12125550102", "2035-03-14T09:10"),  # an hour before, nobody may call; twenty minutes before they wait for nine
    ("+14155550103", "2035-03-19T09:30"),  # Monday: the day before is a Sunday
    ("+12125550104", "2035-03-18T15:00"),  # Sunday: the day before is a Saturday
]


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_reminders_for_which_no_calling_hour_comes_in_time_are_named_everywhere(ledger, tmp_path):
    (tmp_path / "closed.csv").write_text("phone,name,at\n" + "".join(f"{to},Ann,{at}\n" for to, at in VISITS))
    file = tmp_path / "closed.yaml"
    file.write_text(CLOSED)
    checked = check(file, ACCOUNTS)
    in_time = "no calling hour comes in time"
    assert checked.all_warnings(NOW)[:3] == [
        f"2 contacts have no reminder 1d before: {in_time} for it",
        f"2 contacts have no reminder 1h before: {in_time} for it",
        f"1 contact has no reminder 20m before: {in_time} for it",
    ]
    assert checked.all_warnings(NOW)[3] == f"1 contact is not called at all: {in_time}"
    plan = make_plan(open_audience(file, ACCOUNTS), ACCOUNTS["main"], ledger, now=NOW, rng=Random(1))
    left_out = [(row.line, row.reason) for row in row_forecasts(plan) if row.fate == "left out"]
    one = f"{in_time} for its reminder"
    assert left_out == [(3, f"{one} 1h before"), (4, f"{one} 1d before"), (5, f"{in_time} for its reminders")]
    shown = preview(file, ACCOUNTS, 3)
    moments = [
        (f"{reminder.at:%d %H:%M}", reminder.calls_at and f"{reminder.calls_at:%d %H:%M}")
        for reminder in shown.reminders
    ]
    assert moments == [("13 09:10", "13 09:10"), ("14 08:10", None), ("14 08:50", "14 09:00")]
    launch(ledger, checked, who="test", now=NOW)
    with ledger.reading() as db:
        last = db.execute(select(contacts).order_by(contacts.c.id.desc())).first()
    assert last is not None
    assert contact_story(ledger, last.id, now=NOW).why == f"{in_time} for its reminders: it is not called"


@pytest.mark.parametrize(
    ("before", "said", "place"),
    [
        ("{column: at, at: [1d, 3d]}", "not in their order", (6, 28)),
        ("{column: at, at: [soon]}", "is not a duration", (6, 29)),
        ("{column: at, at: []}", "there are 0 reminders", (6, 28)),
        ("{column: at}", "is missing", (6, 3)),
        ("{column: at, at: 1d}\n  vendor_queue: true", "has both before and vendor_queue", (6, 3)),
    ],
)
def test_a_bad_schedule_is_named_with_its_place(tmp_path, before, said, place):
    file = tmp_path / "bad.yaml"
    head = "campaign: bad\naccount: main\ncontacts: {file: list.csv}\nmessage: {tts: Hello}\nschedule:\n"
    file.write_text(f'{head}  before: {before}\ncaller_id: "+18005550100"\n')
    with pytest.raises(DefinitionFaults) as refused:
        load_definition(file)
    (fault,) = refused.value.faults
    assert said in fault.message
    assert (fault.line, fault.column) == place


def test_an_appointment_that_no_column_has_or_no_cell_is_named(tmp_path):
    file = tmp_path / "bad.yaml"
    before = "schedule: {zone: UTC, before: {column: appointment, at: [1d]}}"
    file.write_text(
        f"campaign: bad\naccount: main\ncontacts: {{file: list.csv}}\nmessage: {{tts: Hello}}\n{before}\n"
        'caller_id: "+18005550100"\n'
    )
    (tmp_path / "list.csv").write_text("phone,at\n+14155550101,\n")
    with pytest.raises(DefinitionFaults, match='no column "appointment"') as refused:
        check(file, ACCOUNTS)
    assert refused.value.faults[0].line == 5
    file.write_text(file.read_text().replace("column: appointment", "column: at"))
    (reject,) = check(file, ACCOUNTS).rejects
    assert (reject.column, reject.reason) == ("at", "the moment of the appointment is blank")
