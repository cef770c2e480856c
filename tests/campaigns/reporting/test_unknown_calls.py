"""The report names whom nobody can speak for, with all that is known of their call."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from rich.console import Console

from campaigns.operations.control import cancel
from campaigns.reporting.report import UNKNOWN_SHOWN, Report, report
from campaigns.reporting.unknown_calls import COLUMNS, unknown_calls
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.rulings import accept, mark_unconfirmed
from console.cli.views.report import report_parts
from dialer.calls import Outcome, Progress, Receipt
from dialer.providers.registry import account_settings
from dialer.verdicts import Ruling, Verdict
from tests.support.delivering import receive
from tests.support.seeding import dialing, fresh, numbers, seed

SETTINGS = account_settings(provider="webex", service_key="k")
ENDS = ["no call id; nothing heard", "has a call id; receipts: OFFERED", "being settled; nothing heard"]
SILENT = Ruling(verdict=Verdict.UNCONFIRMED, detail="sandbox did not answer in time")


@pytest.fixture
def campaign(ledger, clock) -> str:
    """Four contacts: reached, unknown after a doubt, unknown after receipts that do not end, still unconfirmed."""
    reached, doubted, unended, ringing = dialing(ledger, numbers(4), now=clock())
    ledger.write(accept, reached, "c-1", SETTINGS, now=clock())
    ledger.write(conclude, fresh(ledger, reached.id), Ending(outcome=Outcome.ANSWERED, ended_at=clock()), now=clock())
    ledger.write(mark_unconfirmed, doubted, SILENT, settle_seconds=60, now=clock())
    never = Ending(outcome=Outcome.UNKNOWN, ended_at=clock(), detail="nothing was heard of the call: it may have rung")
    ledger.write(conclude, fresh(ledger, doubted.id), never, now=clock.forward(60))
    ledger.write(accept, unended, "c-3", SETTINGS, now=clock())
    heard = Receipt(
        event_id="1",
        provider_call_id="c-3",
        correlation_id=unended.id,
        word="OFFERED",
        code="7407",
        progress=Progress.RINGING,
        outcome=None,
        occurred_at=clock(),
    )
    receive(ledger, "main", SETTINGS, [heard], "{}", now=clock())
    untold = Ending(outcome=Outcome.UNKNOWN, ended_at=clock(), detail="the provider never told how it ended")
    ledger.write(conclude, fresh(ledger, unended.id), untold, now=clock())
    ledger.write(mark_unconfirmed, ringing, SILENT, settle_seconds=60, now=clock())
    return reached.campaign_id


def test_each_is_named_with_what_is_known(ledger, campaign):
    with ledger.reading() as db:
        found = list(unknown_calls(db, campaign))
    assert [(one.contact_row, one.status) for one in found] == [(3, "unknown"), (4, "unknown"), (5, "unconfirmed")]
    assert [one.known for one in found] == [
        "nothing was heard of the call: it may have rung; no call id; nothing heard",
        "the provider never told how it ended; the provider has it as call c-3; receipts: OFFERED",
        "sandbox did not answer in time; no call id; nothing heard",
    ]
    assert not any(number in str(found) for number in numbers(4))


def test_the_report_has_them_in_a_file_and_names_the_first(ledger, campaign, tmp_path):
    made = report(ledger, campaign, tmp_path)
    assert made.unknown_file == tmp_path / f"{campaign}-unknown.csv"
    with made.unknown_file.open(encoding="utf-8", newline="") as read:
        rows = list(csv.DictReader(read))
    assert tuple(rows[0]) == COLUMNS
    assert [row["contact_row"] for row in rows] == ["3", "4", "5"]
    assert len(made.unknown_calls) == 3


def test_a_long_list_is_cut_in_the_report_and_whole_in_the_file(ledger, clock, tmp_path):
    many = dialing(ledger, numbers(UNKNOWN_SHOWN + 5), now=clock())
    for one in many:
        ledger.write(mark_unconfirmed, one, SILENT, settle_seconds=60, now=clock())
    made = report(ledger, many[0].campaign_id, tmp_path)
    assert len(made.unknown_calls) == UNKNOWN_SHOWN
    assert made.unknown_file is not None
    assert len(made.unknown_file.read_text().splitlines()) == 1 + len(many)


def test_where_nobody_is_in_doubt_there_is_no_file(ledger, clock, tmp_path):
    (one,) = dialing(ledger, numbers(1), now=clock())
    (tmp_path / f"{one.campaign_id}-unknown.csv").write_text("of an earlier report")
    made = report(ledger, one.campaign_id, tmp_path)
    assert (made.unknown_calls, made.unknown_file) == ([], None)
    assert list(tmp_path.glob("*-unknown.csv")) == []
    assert "May have been called" not in printed(made)


def test_the_printed_report_has_a_line_for_each_of_them(ledger, campaign, tmp_path):
    made = report(ledger, campaign, tmp_path)
    lines = printed(made).splitlines()
    place = lines.index("May have been called, and nobody knows")
    assert [line.split()[0] for line in lines[place + 2 : place + 5]] == ["3", "4", "5"]
    assert [line.endswith(known) for line, known in zip(lines[place + 2 :], ENDS, strict=False)] == [True] * 3
    assert all(len(line) <= 80 for line in lines if str(tmp_path) not in line)


def test_the_report_of_a_cancelled_campaign_says_what_becomes_of_its_open_calls(ledger, clock, tmp_path):
    first, *_ = dialing(ledger, numbers(2), now=clock())
    going_on = printed(report(ledger, first.campaign_id, tmp_path))
    assert "It has not ended: 2 calls are under way, 0 contacts wait." in going_on
    cancel(ledger, first.campaign_id, who="ann", now=clock())
    told = " ".join(printed(report(ledger, first.campaign_id, tmp_path)).split())
    assert "2 calls are not over yet. Nobody hangs up, and nobody is called again" in told
    assert f"dialer report {first.campaign_id}" in told
    assert "redial" not in told


def test_the_report_of_a_campaign_that_goes_on_names_the_command_that_says_what_it_waits_for(ledger, clock, tmp_path):
    campaign_id = seed(ledger, numbers(1), now=clock())
    told = printed(report(ledger, campaign_id, tmp_path))
    assert "0 calls are under way, 1 contact waits." in told
    assert f"  dialer explain {campaign_id}" in told.splitlines()


def printed(made: Report) -> str:
    """The report in a terminal of 80 columns."""
    screen = Console(width=80, file=StringIO(), highlight=False)
    for part in report_parts(made):
        screen.print(part, soft_wrap=isinstance(part, str))
    return "\n".join(line.rstrip() for line in screen.file.getvalue().splitlines())
