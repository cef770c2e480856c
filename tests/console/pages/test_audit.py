"""The audit's page: who did what, by each filter, a part at a time, and as a file."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from sqlalchemy import insert, update

from campaigns.ledger.audit_chain.chaining import chain_audit
from campaigns.ledger.tables import audit
from campaigns.reporting.audit_trail import AuditFilter, audit_after
from tests.console.conftest import Console
from tests.support.html import NASTY, text_of
from tests.support.statements import sqlite_plans


def write(console: Console, *lines: tuple[datetime, str, str, str | None, str]) -> None:
    with console.ledger.writing() as db:
        for at, who, event, campaign, detail in lines:
            db.execute(insert(audit).values(at=at, who=who, event=event, campaign_id=campaign, detail=detail))


@pytest.fixture
def acts(console: Console) -> datetime:
    """A morning's acts; the moment of the first."""
    start = console.clock()
    write(
        console,
        (start, "ann", "campaign paused", "reminder-1", "by a person"),
        (start + timedelta(hours=1), "bob", "suppression removed", None, "+1 415 555 0101"),
        (start + timedelta(days=1), "ann", "campaign running", "reminder-1", "by a person"),
        (start + timedelta(days=2), "ann", "campaign paused", "other-1", "lunch"),
    )
    return start


def shown(console: Console, **filters: str) -> list[str]:
    """The acts that the page shows: who did what."""
    page = console.http.get("/audit", params=filters)
    assert page.status_code == 200
    rows = page.text.partition("<tbody>")[2].partition("</tbody>")[0].split("</tr>")[:-1]
    return [" ".join(text_of(cell) for cell in row.split("</td>")[1:3]) for row in rows]


def test_an_empty_audit_says_what_it_will_list(console: Console) -> None:
    assert "Nothing has been done yet" in text_of(console.http.get("/audit").text)


def test_the_latest_act_comes_first(console: Console, acts: datetime) -> None:
    assert shown(console) == [
        "ann campaign paused",
        "ann campaign running",
        "bob suppression removed",
        "ann campaign paused",
    ]


def test_the_page_says_on_demand_whether_all_is_as_it_was_written(console: Console, acts: datetime) -> None:
    chain_audit(console.ledger)
    assert "Intact: all 4 lines" in text_of(console.http.get("/audit", params={"verified": "true"}).text)
    assert console.http.get("/api/v1/audit/verify").json()["chained"] == 4
    with console.ledger.writing() as db:
        db.execute(update(audit).where(audit.c.place == 2).values(who="mallory"))
    assert "Not intact: line 2 was changed" in text_of(console.http.get("/audit", params={"verified": "true"}).text)
    reply = console.http.get("/api/v1/audit/verify").json()
    assert (reply["intact"], reply["fault"], reply["place"]) == (False, "changed", 2)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"who": "ann"}, 3),
        ({"who": " ann "}, 3),
        ({"event": "campaign paused"}, 2),
        ({"campaign": "reminder-1"}, 2),
        ({"who": "ann", "event": "campaign paused", "campaign": "other-1"}, 1),
        ({"since": "2026-12-02"}, 2),
        ({"until": "2026-12-01"}, 2),  # the last day is meant whole
        ({"since": "2026-12-02", "until": "2026-12-02", "who": "ann"}, 1),
        ({"who": "", "event": "", "campaign": "", "since": "", "until": ""}, 4),
        ({"who": "nobody"}, 0),
    ],
)
def test_each_filter_leaves_the_lines_that_meet_it(
    console: Console, acts: datetime, filters: dict[str, str], count: int
) -> None:
    assert len(shown(console, **filters)) == count


def test_a_day_that_is_none_is_named_at_its_field_and_what_was_typed_stays(console: Console, acts: datetime) -> None:
    page = console.http.get("/audit", params={"since": "2026-13-01", "who": "ann"}).text
    assert 'id="since-fault">write a day as 2027-01-31' in page
    assert 'value="2026-13-01"' in page
    assert 'value="ann"' in page
    backwards = console.http.get("/audit", params={"since": "2026-12-02", "until": "2026-12-01"}).text
    assert "the last day comes before the first" in backwards
    assert console.http.get("/audit/export", params={"since": "yesterday"}).status_code == 422


def test_a_long_audit_comes_in_parts_each_line_once(console: Console) -> None:
    now = console.clock()
    write(console, *((now, "ann", f"act {number}", None, "") for number in range(230)))  # of one moment
    seen, address = [], "/audit?who=ann"
    while address:
        page = console.http.get(address).text
        seen += [line.split("<")[0] for line in page.split('data-label="What was done">')[1:]]
        older = page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
        address = older.replace("&amp;", "&") if 'rel="next"' in page else ""
    assert seen == [f"act {number}" for number in reversed(range(230))]
    assert console.http.get("/audit", params={"after": "bm8"}).status_code == 422


def test_the_file_has_the_lines_of_the_filters_and_nothing_a_spreadsheet_would_run(console: Console) -> None:
    now = console.clock()
    write(console, (now, "=cmd()", "contact withdrawn", "a-1", "of +14155550101"), (now, "bob", "other", None, ""))
    reply = console.http.get("/audit/export", params={"campaign": "a-1"})
    assert reply.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    header, line = csv.reader(StringIO(reply.text.removeprefix("\ufeff")))
    assert header == ["at", "who", "event", "campaign", "detail"]
    assert line[1:4] == ["'=cmd()", "contact withdrawn", "a-1"]
    assert "5550101" not in line[4]


def test_what_others_wrote_is_shown_as_text(console: Console) -> None:
    write(console, (console.clock(), NASTY, NASTY, NASTY, NASTY))
    page = console.http.get("/audit", params={"who": NASTY, "event": NASTY, "campaign": NASTY}).text
    assert NASTY not in page
    assert page.count("&lt;script&gt;") >= 6


def test_the_api_has_the_same_filters(console: Console, acts: datetime) -> None:
    def asked(**filters: str) -> int:
        return len(console.http.get("/api/v1/audit", params=filters).json()["items"])

    assert asked(who="ann", event="campaign paused") == 2
    assert asked(since=(acts + timedelta(hours=1)).isoformat(), until=(acts + timedelta(days=1)).isoformat()) == 1
    first = console.http.get("/api/v1/audit", params={"limit": 3}).json()
    rest = console.http.get("/api/v1/audit", params={"limit": 3, "after": first["next"]}).json()
    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [3, 1, None]


@pytest.mark.parametrize(
    "wanted",
    [
        AuditFilter(),
        AuditFilter(who="ann"),
        AuditFilter(event="x"),
        AuditFilter(campaign="a-1"),
        AuditFilter(since=datetime(2026, 1, 1, tzinfo=UTC), until=datetime(2027, 1, 1, tzinfo=UTC)),
        AuditFilter(who="ann", since=datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_each_filter_has_an_index_in_the_order_of_the_page(console: Console, wanted: AuditFilter) -> None:
    with console.ledger.reading() as db, sqlite_plans(console.ledger) as plans:
        audit_after(db, wanted, limit=10, after=(console.clock(), 7))
    assert all("INDEX ix_audit_" in plan for plan in plans)
    assert not any("TEMP B-TREE" in plan for plan in plans)
