"""The pages of the suppression list: found, added with a reason and an end, taken off, taken away as a file."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO

import httpx
import pytest

from campaigns.ledger.tables import suppressions
from campaigns.operations import suppression_list
from campaigns.operations.people import Role
from dialer.phone import PhoneNumber
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.html import NASTY, send, text_of, token_of
from tests.support.statements import sqlite_plans

NUMBER = "+14155550101"
OTHERS = [f"+1415555{number}" for number in range(2000, 2230)]


def put(console: Console, number: str = NUMBER, **facts: object) -> None:
    given = {"reason": "asked not to be called", "who": "ann", "now": console.clock()} | facts
    suppression_list.add(console.ledger, PhoneNumber(number), **given)  # type: ignore[arg-type]


def entry_of(console: Console, number: str = NUMBER) -> int:
    return suppression_list.find(console.ledger, number)[0][0]


def search(console: Console, number: str) -> httpx.Response:
    return send(console.http, "/suppression", "/suppression/search", {"number": number})


def test_an_empty_list_says_what_it_is_for(console: Console) -> None:
    assert "Nobody is on the list." in text_of(console.http.get("/suppression").text)


def test_the_list_shows_why_since_when_by_whom_and_until_numbers_masked(console: Console) -> None:
    put(console, account="bulk", expires_at=console.clock() + timedelta(days=2))
    put(console, "+14155550102", reason=NASTY, who=NASTY)
    html = console.http.get("/suppression").text
    assert NASTY not in html
    assert NUMBER not in html
    line = "+1415*****01 asked not to be called 2026-12-01 15:00:00 UTC ann 2026-12-03 15:00:00 UTC bulk"
    assert line in text_of(html)
    assert "for good every account" in text_of(html)
    console.clock.now += timedelta(days=3)
    assert "over since 2026-12-03" in text_of(console.http.get("/suppression").text)


def test_a_long_list_comes_in_parts(console: Console) -> None:
    line = {"account": "", "reason": "asked", "source": "ann", "added_at": console.clock()}
    with console.ledger.writing() as db:
        db.execute(suppressions.insert(), [line | {"phone": number} for number in OTHERS])
    first = console.http.get("/suppression").text
    older = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    assert [page.count('data-label="Why"') for page in (first, console.http.get(older).text)] == [100, 100]


@pytest.mark.parametrize("typed", [NUMBER, "+1 (415) 555-0101", "0101", "555-0101", "415 555 0101", "04155550101"])
def test_a_number_is_found_whole_or_by_its_last_digits(console: Console, typed: str) -> None:
    put(console)
    put(console, "+14155550199")
    reply = search(console, typed)
    assert (reply.status_code, reply.text.count('data-label="Why"')) == (200, 1)
    assert "0101" not in str(reply.url)


@pytest.mark.parametrize("typed", ["", "12", "ann", "+1", "+1415555", NASTY])
def test_what_is_no_number_is_said_at_the_field(console: Console, typed: str) -> None:
    put(console)
    reply = search(console, typed)
    assert reply.status_code == 422
    assert 'id="number-fault"' in reply.text
    assert NASTY not in reply.text


def test_a_number_that_is_not_on_the_list_may_be_called(console: Console) -> None:
    assert "No such number is on the list: it may be called." in text_of(search(console, "0101").text)


def test_a_number_is_added_and_nobody_calls_it(console: Console) -> None:
    fields = {"number": "(415) 555-0101", "country": "us", "reason": "asked", "account": "", "until": "2026-12-24"}
    reply = send(console.http, "/suppression/add", "/suppression/add", fields)
    assert reply.headers["location"] == "/suppression?done=added"
    assert "nobody calls it" in console.http.get("/suppression?done=added").text
    ((_, entry),) = suppression_list.find(console.ledger, NUMBER)
    assert (entry.reason, entry.source, f"{entry.expires_at}") == ("asked", "operator", "2026-12-25 00:00:00+00:00")
    again = send(console.http, "/suppression/add", "/suppression/add", fields)
    assert again.headers["location"] == "/suppression?done=known"
    (line,) = console_server.audit_rows(console.ledger, "suppression added")
    assert (line.who, line.detail) == ("operator", "+1415*****01")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": "415"}, "number"),
        ({"number": ""}, "number"),
        ({"number": NASTY}, "number"),
        ({"until": "soon"}, "until"),
        ({"country": "1!"}, "country"),
        ({"until": "2026-11-30"}, "until"),
        ({"account": "nobody"}, "account"),
        ({"reason": "a\x07b"}, "reason"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    console: Console, changes: dict[str, str], field: str
) -> None:
    fields = {"number": NUMBER, "country": "", "reason": "asked", "account": "", "until": ""} | changes
    reply = send(console.http, "/suppression/add", "/suppression/add", fields)
    assert reply.status_code == 422
    assert f'id="{field}-fault"' in reply.text
    assert 'value="asked"' in reply.text or field == "reason"
    assert NASTY not in reply.text
    assert "Nobody is on the list." in text_of(console.http.get("/suppression").text)


def test_the_whole_number_is_shown_on_request_and_the_audit_says_to_whom(console: Console) -> None:
    put(console)
    page = f"/suppression/{entry_of(console)}"
    assert NUMBER not in console.http.get(page).text
    assert NUMBER in send(console.http, page, f"{page}/number").text
    (line,) = console_server.audit_rows(console.ledger, "number shown")
    assert (line.who, line.detail) == ("operator", f"suppression {entry_of(console)}")


def test_an_entry_is_taken_off_with_a_reason_and_twice_is_once(console: Console) -> None:
    put(console)
    put(console, account="bulk")
    page = f"/suppression/{entry_of(console)}"
    html = console.http.get(page).text
    assert send(console.http, page, f"{page}/remove", {"reason": " "}).status_code == 422
    for _ in range(2):
        reply = console.http.post(f"{page}/remove", data={"token": token_of(html), "reason": "a mistake"})
        assert reply.headers["location"] == "/suppression?done=removed"
    (line,) = console_server.audit_rows(console.ledger, "suppression removed")
    assert line.detail == "+1415*****01 bulk: a mistake"
    ((_, left),) = suppression_list.find(console.ledger, NUMBER)
    assert left.account == "", "what the other list says stays"
    assert console.http.get(page).status_code == 404


@pytest.mark.parametrize(("fields", "shown"), [({}, "+1415*****01"), ({"whole": "true"}, NUMBER)])
def test_the_list_is_taken_away_as_a_file_and_the_audit_says_how(
    console: Console, fields: dict[str, str], shown: str
) -> None:
    put(console, reason="=cmd()")
    reply = send(console.http, "/suppression", "/suppression/export", fields)
    header, line = csv.reader(StringIO(reply.text.removeprefix("\ufeff")))
    assert header == ["phone", "account", "reason", "source", "added_at", "expires_at"]
    assert line[:4] == [shown, "", "'=cmd()", "ann"]
    (noted,) = console_server.audit_rows(console.ledger, "suppressions exported")
    assert noted.detail == ("numbers in full" if fields else "numbers masked")


def test_who_may_look_only_changes_nothing_and_sees_no_whole_number(console: Console) -> None:
    put(console)
    console_server.add_user(console.ledger, "viewer", Role.VIEWER, now=console.clock())
    entry = f"/suppression/{entry_of(console)}"
    with console_server.client(console.address, user="viewer") as viewer:
        html = viewer.get("/suppression").text
        assert "/suppression/add" not in html
        assert "/remove" not in viewer.get(entry).text
        token = {"token": token_of(html)}
        for path, fields in (
            (f"{entry}/number", {}),
            (f"{entry}/remove", {"reason": "x"}),
            ("/suppression/add", {"number": NUMBER}),
            ("/suppression/export", {"whole": "true"}),
        ):
            assert viewer.post(path, data=token | fields).status_code == 403
        assert viewer.post("/suppression/export", data=token).status_code == 200
    assert entry_of(console)


def test_last_digits_are_found_by_their_index(console: Console) -> None:
    with sqlite_plans(console.ledger) as plans:
        suppression_list.find(console.ledger, "0101")
    assert all("ix_suppressions_ending" in plan for plan in plans if "suppressions" in plan)
