"""Days of forms: what is no day, or one at an end of the calendar, is named at its field."""

from __future__ import annotations

import pytest

from tests.console.conftest import Console
from tests.support.html import text_of

NO_DAYS = ["yesterday", "2026-13-01", "0001-01-01", "9999-12-31"]
ADDRESSES = [(page, field) for page in ("/audit", "/reports") for field in ("since", "until")]


@pytest.mark.parametrize("typed", NO_DAYS)
@pytest.mark.parametrize(("page", "field"), ADDRESSES)
def test_a_day_that_is_none_is_named_at_its_field(console: Console, page: str, field: str, typed: str) -> None:
    reply = console.http.get(page, params={field: typed})
    assert reply.status_code == 200
    assert f'id="{field}-fault">write a day as 2027-01-31' in reply.text
    assert f'value="{typed}"' in reply.text


@pytest.mark.parametrize("address", ["/audit/export", "/reports/list.csv", "/reports/list.xlsx"])
def test_nothing_is_handed_out_for_such_a_day(console: Console, address: str) -> None:
    refused = console.http.get(address, params={"until": "9999-12-31"})
    assert (refused.status_code, "until: write a day as 2027-01-31" in text_of(refused.text)) == (422, True)


@pytest.mark.parametrize("page", ["/audit", "/reports"])
def test_the_first_day_may_be_the_last_and_not_come_after_it(console: Console, page: str) -> None:
    same = console.http.get(page, params={"since": "0002-01-01", "until": "0002-01-01"}).text
    assert "until-fault" not in same
    backwards = console.http.get(page, params={"since": "2026-12-02", "until": "2026-12-01"}).text
    assert 'id="until-fault">the last day comes before the first' in backwards
