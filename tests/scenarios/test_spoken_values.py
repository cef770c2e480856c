"""From a list to the ear: a value of a list or a workbook is said as its author meant it, or its row is rejected."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest

from campaigns.audience.rejects import RejectCode
from tests.support.campaign_files import read_list, workbook

PHONES = [f"+1415555{place:04}" for place in range(101, 130)]


@pytest.fixture
def audience_of(tmp_path):
    return partial(read_list, tmp_path)


def texts(audience) -> list[str | None]:
    return [contact.text for contact in audience.contacts()]


def test_computed_cells_of_a_workbook_are_said_as_amounts_and_never_a_thousandfold(audience_of):
    amounts = [100 / 3, 12.345, 0.125, 1250.505, 49.995, 1250, 0.5, -7.005]
    rows = [["phone", "amount"], *map(list, zip(PHONES, amounts, strict=False))]
    audience = audience_of(
        workbook(rows),
        name="contacts.xlsx",
        file="contacts.xlsx",
        message={"tts": "You owe {{ amount | money('USD') }}."},
    )
    assert texts(audience) == [
        f"You owe {words} US dollars."
        for words in ("33.33", "12.35", "0.13", "1,250.51", "50", "1,250", "0.50", "-7.01")
    ]


def test_three_decimals_of_a_dinar_are_decimals(audience_of):
    rows = "".join(f"{phone},{amount}\n" for phone, amount in zip(PHONES, ["12.500", "0.750", "1.250"], strict=False))
    audience = audience_of(f"phone,amount\n{rows}", message={"tts": "{{ amount | money('KWD') }}"})
    assert texts(audience) == [f"{words} Kuwaiti dinars" for words in ("12.500", "0.750", "1.250")]


@pytest.mark.parametrize("amount", ["1e3", "1/2", "(5.00)", "1,2,3", "50%", "5 k", "€5", "1.250", "2026-12-05"])
def test_what_is_no_amount_rejects_its_row_with_its_column(audience_of, amount):
    audience = audience_of(
        f'phone,amount\n{PHONES[0]},"{amount}"\n', message={"tts": "You owe {{ amount | money('USD') }}."}
    )
    assert texts(audience) == []
    (reject,) = audience.rejects
    assert (reject.code, reject.column) == (RejectCode.BAD_TEXT, "amount")
    assert amount in reject.reason
    assert reject.suggestion


@pytest.mark.parametrize(
    ("phone", "at", "text"),
    [
        ("+12125550102", "2026-12-05T15:00Z", "Saturday, December 5 at 10:00 AM"),
        ("+14155550101", "2026-12-06T02:30:00+00:00", "Saturday, December 5 at 6:30 PM"),
        ("+13125550101", "2026-12-05 15:00:00+00:00", "Saturday, December 5 at 9:00 AM"),
        ("+442079460123", "2026-07-05T15:00:00Z", "Sunday, July 5 at 4:00 PM"),
        ("+12125550102", "2026-12-05T15:00", "Saturday, December 5 at 3:00 PM"),
    ],
)
def test_a_moment_is_said_on_the_clock_where_the_number_is(audience_of, phone, at, text):
    audience = audience_of(f"phone,at\n{phone},{at}\n", message={"tts": "{{ at | date }} at {{ at | time }}"})
    assert texts(audience) == [text]


def test_a_column_or_the_schedule_names_the_zone_where_the_number_does_not(audience_of):
    message = {"tts": "{{ at | time }}"}
    row = f"{PHONES[0]},2026-12-05T15:00Z,Europe/Berlin\n"
    assert texts(audience_of(f"phone,at,zone\n{row}", zone="zone", message=message)) == ["4:00 PM"]
    by_schedule = audience_of(
        f"phone,at,zone\n{row}", zone_by_number=False, schedule={"zone": "Asia/Tokyo"}, message=message
    )
    assert texts(by_schedule) == ["12:00 AM"]
    nowhere = audience_of(f"phone,at,zone\n{row}", zone_by_number=False, message=message)
    assert texts(nowhere) == []
    (reject,) = nowhere.rejects
    assert (reject.column, "no time zone" in reject.reason) == ("at", True)
    assert "schedule.zone" in reject.suggestion


def test_a_date_of_a_workbook_keeps_its_day_and_its_time(audience_of):
    moments = [datetime(2026, 12, 5, 15, 0), datetime(2026, 12, 5, 14, 59, 59, 999000)]  # noqa: DTZ001  # as sheets keep
    rows = [["phone", "at"], *map(list, zip(PHONES, moments, strict=False))]
    message = {"tts": "{{ at | date }} at {{ at | time }}"}
    audience = audience_of(workbook(rows), name="contacts.xlsx", file="contacts.xlsx", message=message)
    assert texts(audience) == ["Saturday, December 5 at 3:00 PM"] * 2


@pytest.mark.parametrize("blank", ["\u200b", "\u00ad", "\ufeff", "nan", "None", "N/A", "NULL", "-", "NaN", "<NA>"])
def test_what_looks_or_means_blank_is_never_spoken(audience_of, blank):
    audience = audience_of(f"phone,name\n{PHONES[0]},{blank}\n", message={"tts": "Hello {{ name }}."})
    assert texts(audience) == []
    assert [reject.code for reject in audience.rejects] == [RejectCode.MISSING_VARIABLE]


@pytest.mark.parametrize("name", ["Null", "Nan", "Nona", "none of your business"])
def test_a_person_may_be_named_so(audience_of, name):
    audience = audience_of(f"phone,name\n{PHONES[0]},{name}\n", message={"tts": "Hello {{ name }}."})
    assert texts(audience) == [f"Hello {name}."]
