"""Times for which something is kept: what can be meant is read, all else is named with its line and column."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.retention_periods import FOREVER, InstallationRetention, Kept, Retention

FILE = """\
campaign: c
account: main
contacts: {{file: list.csv}}
message: {{media: "1"}}
caller_id: "+18005550100"
retention:
  texts: 2w
  {line}
"""


@pytest.mark.parametrize(
    ("text", "days"), [("31d", 31), ("90d", 90), ("5w", 35), ("2y", 730), ("100y", 36500), ("0031d", 31)]
)
def test_days_weeks_and_years_are_read(text, days):
    assert Retention(contacts=text).contacts == timedelta(days=days)


def test_it_is_written_as_it_is_read():
    written = Retention(contacts="2y", texts="30d").model_dump_json()
    assert Retention.model_validate_json(written) == Retention(contacts="730d", texts="30d")
    assert Retention.model_validate_json(Retention(contacts="forever").model_dump_json()).contacts == FOREVER


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("contacts: 90", 13, '"90" is no time to keep something for'),
        ("contacts: 3m", 13, '"3m" is no time'),  # minutes or months?
        ("contacts: -90d", 13, '"-90d" is no time'),
        ("contacts: 1.5y", 13, '"1.5y" is no time'),
        ("contacts: ٣١d", 13, "is no time"),
        ("contacts: true", 13, '"true" is no time'),
        ("contacts: 0d", 13, '"0d" is too short: frequency caps count the calls of 31 days'),
        ("contacts: 30d", 13, '"30d" is too short'),
        ("contacts: 101y", 13, '"101y" is too long'),
        ("receipts: 1d", 13, '"1d" is too short: receipts and corrections of a call may come a day after it'),
        ("reports: 1d", 12, '"1d" is too short'),
        ("receipts: 99d\n  contacts: 60d", 13, "receipts are kept longer (99d) than the contacts"),
        ("audit: 2y", 3, "there is no such key"),
    ],
)
def test_what_cannot_be_meant_is_named_with_its_line_and_column(load, line, column, words):
    with pytest.raises(DefinitionFaults) as raised:
        load(FILE.format(line=line))
    (fault,) = raised.value.faults
    assert words in fault.message
    assert (fault.line, fault.column) == (7 + line.count("\n") + 1, column)
    assert fault.suggestion


def test_the_audit_is_kept_for_a_quarter_at_least():
    with pytest.raises(ValidationError, match="is too short: it says who paused or started what goes on"):
        InstallationRetention(audit="89d")


def test_a_campaign_says_otherwise_only_where_it_says_something():
    general = InstallationRetention(contacts="90d", texts="60d", receipts="30d")
    own = Retention(contacts="31d").over(general)
    assert [own.period(kept) for kept in (Kept.CONTACTS, Kept.TEXTS, Kept.RECEIPTS, Kept.REPORTS)] == [
        timedelta(days=31),
        timedelta(days=31),  # no longer than the contact whose it is
        timedelta(days=30),
        None,
    ]
    assert Retention(contacts="forever").over(general).contacts == FOREVER


def test_until_when_a_list_is_kept_is_said_with_a_date_where_the_end_is_known():
    kept = Retention(contacts="31d", reports="30d")
    end = datetime(2026, 12, 1, tzinfo=UTC)
    assert kept.said(end) == "Its list is kept until 2027-01-01 at the latest. Reports 30d."
    assert kept.said(None).startswith("Its list is kept for 31 days after the campaign's end.")
    assert "until somebody erases it" in Retention(contacts="forever").said(end)
    assert "until somebody erases it" in Retention().said(None)
