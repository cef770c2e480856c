"""The page Reports says what became of campaigns and what to do now, and hands their lists back."""

from __future__ import annotations

import pytest

from tests.console.pages.test_campaign_acts import post, text_of
from tests.support import console_server
from tests.support.seeding import numbers


@pytest.fixture
def campaign(console) -> str:
    """A campaign that has just started."""
    return console_server.add_campaign(console.ledger, now=console.clock(), phones=numbers(3))


def test_it_says_what_to_do_and_gives_the_list_with_masked_numbers(console, campaign):
    shown = text_of(console.http.get(f"/reports?campaigns={campaign}"))
    assert "What to do now" in shown
    assert campaign in shown
    masked = console.http.get(f"/reports/list.csv?campaigns={campaign}")
    assert "_status,_reason,_attempts,_reached_at,_response" in masked.text
    assert numbers(1)[0] not in masked.text


def test_a_name_that_is_none_and_days_that_are_none_are_named(console):
    assert "no campaign 'nobody'" in text_of(console.http.get("/reports?campaigns=nobody"))
    assert "write a day as 2027-01-31" in text_of(console.http.get("/reports?since=yesterday"))
    assert console.http.get("/reports/list.csv").status_code == 422


def test_whole_numbers_are_an_editors_and_noted(console, campaign):
    reply = post(console, "/reports/list.csv", campaigns=campaign)
    assert reply.status_code == 200
    assert numbers(1)[0] in reply.text
    assert "numbers downloaded" in text_of(console.http.get("/audit"))
