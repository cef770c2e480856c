"""Programs read events as they happen: nothing is left out, no number is told, and a token that is revoked ends it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import event, func, select

from campaigns.ledger import event_stream, moves
from campaigns.ledger.tables import deliveries
from campaigns.lifecycle import EventKind, PauseKind
from campaigns.operations import api_tokens, control
from campaigns.operations.api_tokens import Scope
from console.api import events
from console.server.open_streams import LONGEST
from dialer.phone import mask
from tests.console.conftest import Console
from tests.support import console_server, loopback
from tests.support.dialers import failing_once, wait_for


@pytest.fixture(autouse=True)
def _long_and_often(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    console.state.streams.longest = LONGEST
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.02)


class Reader:
    """A program that reads the stream."""

    def __init__(self, reply: httpx.Response) -> None:
        self.reply, self._lines = reply, reply.iter_lines()
        assert next(self._lines).startswith("retry: ")
        self.comments: list[str] = []

    def next(self, *kinds: str) -> dict[str, Any]:
        """The next event, which is of one of these kinds, with its id."""
        told: dict[str, Any] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if not line and told:
                assert not kinds or told["event"] in kinds, told
                return json.loads(told["data"]) | {"id": told["id"]}
            if line.startswith(":"):
                self.comments.append(line)
            elif line:
                told[name] = value
        raise EOFError


@contextmanager
def reading(
    console: Console, *scopes: Scope, after: str = "", expires_at: datetime | None = None, **query: str
) -> Iterator[Reader]:
    name, ends = f"reader-{len(api_tokens.listed(console.ledger))}", {"expires_at": expires_at}
    given = scopes or (Scope.READ,)
    _, secret = api_tokens.create(console.ledger, name, given, who="test", now=console.clock(), **ends)
    headers = {"Authorization": f"Bearer {secret}"} | ({"Last-Event-ID": after} if after else {})
    others = console.state.streams._count
    with (
        loopback.client(base_url=console.address, headers=headers) as http,
        http.stream("GET", "/api/v1/events", params=query) as reply,
    ):
        assert reply.status_code == 200, reply.read()
        assert reply.headers["content-type"].startswith("text/event-stream")
        yield Reader(reply)
    # Else its last look may note a reader in the next test's ledger.
    wait_for(lambda: console.state.streams._count <= others)


def pause(console: Console, campaign: str) -> None:
    control.pause(console.ledger, campaign, who="ann", now=console.clock())


def test_what_happens_is_read_in_its_order_with_masked_numbers(console: Console) -> None:
    campaign = console_server.add_campaign(console.ledger, now=console.clock())
    with reading(console) as reader:
        pause(console, campaign)
        assert reader.next("campaign.paused")["data"]["campaign"] == campaign
        control.cancel(console.ledger, campaign, who="ann", now=console.clock())
        told = [reader.next() for _ in range(4)]
    assert {one["type"] for one in told} == {"campaign.cancelled", "contact.finished"}
    contacts = [one["data"]["contact"] for one in told if one["type"] == "contact.finished"]
    assert [contact["phone"] for contact in contacts] == [mask(phone) for phone in console_server.PHONES[:3]]
    assert len({one["id"] for one in told}) == 4


def test_a_token_with_numbers_reads_them_in_full_of_the_campaign_and_the_kinds_that_it_names(console: Console) -> None:
    wanted, other = (console_server.add_campaign(console.ledger, name, now=console.clock()) for name in ("a", "b"))
    with reading(console, Scope.READ, Scope.NUMBERS, campaign="a", type="contact.*,alert.halt") as reader:
        for campaign in (other, wanted):
            control.cancel(console.ledger, campaign, who="ann", now=console.clock())
        told = [reader.next("contact.finished")["data"] for _ in range(3)]
    assert {one["campaign"] for one in told} == {wanted}
    assert [one["contact"]["phone"] for one in told] == list(console_server.PHONES[:3])


def test_who_was_away_goes_on_after_the_last_event_that_it_has_read(console: Console) -> None:
    campaign = console_server.add_campaign(console.ledger, now=console.clock())
    with reading(console) as reader:
        pause(console, campaign)
        last = reader.next("campaign.paused")["id"]
    control.resume(console.ledger, campaign, who="ann", now=console.clock())
    pause(console, campaign)
    with reading(console, after=last) as reader:
        assert [reader.next()["type"] for _ in range(2)] == ["campaign.resumed", "campaign.paused"]
    refused = console.http.get("/api/v1/events", headers={"Last-Event-ID": "evt_of_another_year"})
    assert (refused.status_code, refused.json()["type"]) == (410, "urn:dialer:events-not-kept")


def test_nothing_is_written_before_anybody_reads_and_nothing_after_nobody_has_for_days(console: Console) -> None:
    def written() -> int:
        with console.ledger.reading() as db:
            return db.scalar(select(func.count()).select_from(deliveries)) or 0

    campaign = console_server.add_campaign(console.ledger, now=console.clock())
    pause(console, campaign)
    assert written() == 0
    with reading(console):
        pass
    control.resume(console.ledger, campaign, who="ann", now=console.clock())
    assert written() == 1, "it may come back and go on"
    assert console.http.get("/api/v1/webhooks").json() == {"items": []}, "it is no webhook"
    assert console.ledger.write(event_stream.end_stream, before=console.clock()) is False
    assert console.ledger.write(event_stream.end_stream, before=console.clock.forward(1)) is True
    pause(console, campaign)
    assert written() == 0


def test_a_revoked_token_ends_it(console: Console) -> None:
    with reading(console) as reader:
        (name,) = [one.name for one in api_tokens.listed(console.ledger)]
        api_tokens.revoke(console.ledger, name, who="ann", now=console.clock())
        with pytest.raises(EOFError):
            reader.next()


def test_a_token_whose_time_is_over_ends_it_and_is_told_nothing_of_then(console: Console) -> None:
    campaign = console_server.add_campaign(console.ledger, now=console.clock())
    with reading(console, expires_at=console.clock() + timedelta(seconds=60)) as reader:
        console.clock.forward(61)
        pause(console, campaign)
        with pytest.raises(EOFError):
            reader.next()


def test_what_was_read_while_nobody_could_say_who_asks_is_told_later(console: Console) -> None:
    """The ledger fails between a look for events and that for the token of the reader."""
    campaign, paused = console_server.add_campaign(console.ledger, now=console.clock()), []

    def pause_before_the_look(_db: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "FROM webhooks" in statement and not paused:
            paused.append(campaign)
            console.clock.forward(2)  # what was known of the token is too old by now
            pause(console, campaign)

    with reading(console) as reader, failing_once(console.ledger, "FROM tokens") as failed:
        event.listen(console.ledger.engine, "before_cursor_execute", pause_before_the_look)
        try:
            wait_for(lambda: bool(failed))
            control.resume(console.ledger, campaign, who="ann", now=console.clock())
            assert [reader.next()["type"] for _ in range(2)] == ["campaign.paused", "campaign.resumed"]
        finally:
            event.remove(console.ledger.engine, "before_cursor_execute", pause_before_the_look)
    assert len(reader.comments) == 1


def test_it_says_now_and_then_that_it_is_there_and_there_are_so_many_and_no_more(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(console.state.streams, "most", 1)
    campaign = console_server.add_campaign(console.ledger, now=console.clock())
    with reading(console) as reader:
        refused = console.http.get("/api/v1/events")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
        timer = threading.Timer(0.3, pause, (console, campaign))
        timer.start()
        reader.next("campaign.paused")
        timer.join()
        assert ": nothing has happened" in reader.comments
        monkeypatch.setattr(console.state.streams, "longest", 0.0)
        with pytest.raises(EOFError):
            reader.next()
    assert console.http.head("/api/v1/events").status_code == 200
    assert console.http.get("/api/v1/events").status_code == 200, "its place is free again"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        *(({"type": "contact.found"}, 422), ({"campaign": "nowhere"}, 404), ({"since": "0"}, 422)),
        *(({"type": ""}, 422), ({"type": "contact.finished,"}, 422), ({"campaign": ""}, 404)),  # blank is not absent
    ],
)
def test_what_cannot_be_read_is_refused(console: Console, query: dict[str, str], status: int) -> None:
    assert console.http.get("/api/v1/events", params=query).status_code == status


def test_an_event_of_a_transaction_that_ends_late_is_not_left_out(console: Console) -> None:
    """On PostgreSQL a transaction that wrote its event first may be committed last."""
    early, late = (console_server.add_campaign(console.ledger, name, now=console.clock()) for name in ("a", "b"))
    if console.ledger.has_one_writer:
        pytest.skip("SQLite's transactions come one after the other")
    console.ledger.write(event_stream.keep_stream, console.clock())
    every = {"kinds": tuple(EventKind), "campaign_id": None, "limit": 10}
    with console.ledger.reading() as db:
        cursor = event_stream.from_now(db)
    with console.ledger.writing() as slow:
        moves.pause(slow, early, PauseKind.BREAKER, console.clock(), reason="all fail")
        pause(console, late)
        with console.ledger.reading() as db:
            told, cursor = event_stream.next_events(db, cursor, **every)
        assert told == []
    with console.ledger.reading() as db:
        told, cursor = event_stream.next_events(db, cursor, **every)
        assert [one.campaign_id for one in told] == [early, early, late]
        resumed = event_stream.from_event(db, told[0].event_id)
        assert resumed is not None
        again, _ = event_stream.next_events(db, resumed, **every)
        assert [one.campaign_id for one in again] == [early, late]
        assert event_stream.next_events(db, cursor, **every)[0] == []
