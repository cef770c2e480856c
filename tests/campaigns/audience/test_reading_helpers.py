"""A long list is read by several processes as it would be by one, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import time
from itertools import islice

import pytest

from campaigns.audience import audience as reading
from campaigns.audience import reading_helpers
from campaigns.audience.audience import Audience
from campaigns.audience.reading_helpers import BATCHES_EACH, Helper, Outcome, read_each
from campaigns.audience.row_reader import ContactRow, RowReader
from campaigns.audience.table import Row
from dialer.providers.registry import account_settings, provider_for
from tests.support.campaign_files import read_list, workbook
from tests.support.seeding import numbers

PATIENCE = 60.0
ENTRIES = ["Ann,12.5,", 'Bob,"1,5",', "Zoë,1e3,2026-12-05 15:00", ",3,", "Ann,#REF!,", "Eve,7,yesterday", "Kim,7,\0"]
ACCOUNTS = [
    {"provider": "callgear", "access_token": "secret"},
    {"provider": "webex", "service_key": "secret"},
]


@pytest.fixture
def audience(tmp_path) -> Audience:
    rows = [f"{phone},{ENTRIES[place % len(ENTRIES)]}\n" for place, phone in enumerate(numbers(700))]
    rows[100:100] = [rows[7], "+1415555,Ann,1,\n", '"+14155550199,Ann\n']
    return read_list(
        tmp_path,
        "phone,name,amount,until\n" + "".join(rows),
        not_after="until",
        schedule={"zone": "America/New_York"},
        message={"tts": "Hello {{ name }}, {{ amount | money('USD') }}."},
    )


def wait_for(condition) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def as_told(outcomes: list[Outcome]) -> list[object]:
    """Contacts as they are, rejections by what they say."""
    return [one if isinstance(one, ContactRow) else (type(one), vars(one)) for one in outcomes]


def batches_of(audience: Audience) -> list[list[Row]]:
    rows = audience._table.rows()
    return list(iter(lambda: list(islice(rows, 100)), []))


def test_a_helper_reads_as_we_read(audience):
    with Helper(audience._reader) as helper:
        for rows in batches_of(audience):
            wait_for(lambda rows=rows: helper.take(rows))
            assert as_told(helper.outcomes(rows)) == as_told(read_each(audience._reader, rows))


def test_a_helper_knows_what_the_number_in_a_sheet_is(tmp_path):
    lines = [["phone", "amount"], *([phone, 12.345] for phone in numbers(3))]
    message = {"tts": "You owe {{ amount | money('KWD') }}."}
    audience = read_list(tmp_path, workbook(lines), name="list.xlsx", file="list.xlsx", message=message)
    (rows,) = batches_of(audience)
    with Helper(audience._reader) as helper:
        wait_for(lambda: helper.take(rows))
        assert as_told(helper.outcomes(rows)) == as_told(read_each(audience._reader, rows))


class StartedHelper(Helper):
    """A helper that has started before anything is read."""

    last: Helper

    def __init__(self, reader: RowReader) -> None:
        super().__init__(reader)
        StartedHelper.last = self
        assert self._connection.poll(PATIENCE)


@pytest.mark.parametrize("helpers", [1, 2])
def test_a_long_list_gives_the_same_contacts_and_rejects_with_helpers(audience, monkeypatch, helpers):
    monkeypatch.setattr(reading, "ROWS_PER_BATCH", 20)
    alone, counts = list(audience.rows()), audience.summary
    monkeypatch.setattr(reading_helpers, "Helper", StartedHelper)
    monkeypatch.setattr(reading_helpers, "helpers_for", lambda expected: helpers)
    assert list(audience.rows()) == alone
    assert audience.summary == counts


@pytest.mark.parametrize("answered", range(BATCHES_EACH + 1))
def test_rows_of_a_killed_helper_are_read_here(audience, answered):
    batches = batches_of(audience)[:BATCHES_EACH]
    with Helper(audience._reader) as helper:
        wait_for(lambda: helper.take(batches[0]))
        assert all(map(helper.take, batches[1:]))
        outcomes = [helper.outcomes(rows) for rows in batches[:answered]]
        os.kill(helper._process.pid, signal.SIGKILL)
        helper._process.wait()
        outcomes += [helper.outcomes(rows) for rows in batches[answered:]]
        assert not helper.take(batches[0])
    assert list(map(as_told, outcomes)) == [as_told(read_each(audience._reader, rows)) for rows in batches]


def test_a_helper_that_never_starts_is_not_waited_for(audience, monkeypatch):
    alone = list(audience.rows())
    monkeypatch.setattr(reading_helpers.sys, "executable", "/bin/false")
    monkeypatch.setattr(reading_helpers, "helpers_for", lambda expected: 2)
    assert list(audience.rows()) == alone


def test_helpers_end_when_the_reading_is_given_up(audience, monkeypatch):
    monkeypatch.setattr(reading_helpers, "helpers_for", lambda expected: 1)
    monkeypatch.setattr(reading_helpers, "Helper", StartedHelper)
    rows = audience.rows()
    next(rows)
    rows.close()
    assert StartedHelper.last._process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("settings", ACCOUNTS, ids=lambda settings: settings["provider"])
def test_a_list_for_any_provider_can_be_given_to_a_helper(tmp_path, settings):
    check_script = provider_for(account_settings(**settings)).check_script
    audience = read_list(tmp_path, "phone\n" + "\n".join(numbers(3)), check_script=check_script)
    (rows,) = batches_of(audience)
    with Helper(audience._reader) as helper:
        wait_for(lambda: helper.take(rows))
        assert as_told(helper.outcomes(rows)) == as_told(read_each(audience._reader, rows))


def test_a_short_list_has_no_helpers():
    assert reading_helpers.helpers_for(1000) == 0
