"""The pages of webhooks: added with a secret shown once, tested, paused, rotated, replayed and removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import update
from standardwebhooks import Webhook

from campaigns.ledger.tables import deliveries, webhooks
from campaigns.operations import control
from campaigns.operations.people import Role
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.html import NASTY, send, text_of, token_of
from tests.support.webhook_receiver import Receiver, receiving
from workers.settings_sections import WebhookSettings

URL = "https://example.org/hooks/dialer?key=hidden"
NEW = {"name": "crm", "url": URL, "events": ["campaign.paused", "campaign.resumed"]}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def inside(console: Console, monkeypatch: pytest.MonkeyPatch) -> Console:
    """The console of an installation that lets webhooks lead to this machine."""
    allowed = WebhookSettings(internal_networks=["127.0.0.1"])
    monkeypatch.setattr(console.state, "settings", console.state.settings.model_copy(update={"webhooks": allowed}))
    return console


def add(console: Console, **changes: object) -> str:
    """Add a webhook by the form; its secret, as the page shows it."""
    reply = send(console.http, "/webhooks", "/webhooks", NEW | changes)
    assert reply.status_code == 200, text_of(reply.text)
    return text_of(reply.text.partition('<pre class="secret">')[2].partition("</pre>")[0])


def happen(console: Console, times: int) -> None:
    """A campaign is paused and resumed, each of which is an event."""
    campaign = console_server.add_campaign(console.ledger, now=console.clock())
    for number in range(times):
        act = control.resume if number % 2 else control.pause
        act(console.ledger, campaign, who="ann", now=console.clock())


def test_without_a_webhook_the_page_says_what_one_is_for(console: Console) -> None:
    assert "No program is told what happens" in text_of(console.http.get("/webhooks").text)


def test_a_webhook_is_added_and_its_secret_is_shown_once(console: Console) -> None:
    secret = add(console)
    assert secret.startswith("whsec_")
    for page in ("/webhooks", "/webhooks/crm"):
        html = console.http.get(page).text
        assert "crm" in html
        assert secret not in html
        assert "key=hidden" not in html, "what comes after a question mark may be a secret"
    again = send(console.http, "/webhooks", "/webhooks", NEW)
    assert (again.status_code, "there is a webhook crm already" in again.text) == (422, True)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"url": "http://127.0.0.1:9/hook"}, "url", "127.0.0.1"),
        ({"url": "ftp://example.org"}, "url", ""),
        ({"name": "a b"}, "name", "letters, digits and dashes"),
        ({"name": NASTY}, "name", "is no name"),
        ({"events": []}, "events", "tick at least one"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    console: Console, changes: dict[str, object], field: str, words: str
) -> None:
    reply = send(console.http, "/webhooks", "/webhooks", NEW | changes)
    assert reply.status_code == 422
    shown = reply.text.partition(f'id="{field}-fault">')[2].partition("</p>")[0]
    assert shown
    assert words in shown
    kept = {"name": "crm", "url": URL} | changes
    for name in {"name", "url"} - ({field} if changes.get("name") == NASTY else set()):
        assert f'value="{kept[name]}"' in reply.text
    assert NASTY not in reply.text
    assert "No program is told" in text_of(console.http.get("/webhooks").text)


def test_a_test_event_is_sent_at_once_and_the_answer_is_shown(inside: Console, receiver: Receiver) -> None:
    inside.clock.now = datetime.now(UTC)  # whoever verifies it asks whether it is fresh
    secret = add(inside, url=receiver.url)
    reply = send(inside.http, "/webhooks/crm", "/webhooks/crm/test")
    assert "It answered 204: it takes events." in text_of(reply.text)
    event = receiver.came[-1]
    assert Webhook(secret).verify(event.body, event.headers)["type"] == "webhook.test"


def test_nobody_answers_a_test_event(inside: Console) -> None:
    add(inside, url="http://127.0.0.1:9/hook")
    reply = send(inside.http, "/webhooks/crm", "/webhooks/crm/test")
    assert reply.status_code == 200
    assert 'class="notice bad" role="alert"' in reply.text


def test_pause_and_resume_do_the_same_however_often_they_are_pressed(console: Console) -> None:
    add(console)
    token = re.search(r'name="token" value="(\w+)"', console.http.get("/webhooks/crm").text)
    assert token
    for act, pill in (("pause", "paused"), ("pause", "paused"), ("resume", "active"), ("resume", "active")):
        reply = console.http.post(f"/webhooks/crm/{act}", data={"token": token[1]})
        assert reply.status_code == 303
        assert f'<span class="pill {pill}">' in console.http.get(reply.headers["location"]).text


def test_a_new_secret_is_shown_once_and_the_old_one_signs_for_a_while(console: Console) -> None:
    old = add(console)
    reply = send(console.http, "/webhooks/crm/rotate", "/webhooks/crm/rotate", {"hours": "2"})
    assert old not in reply.text
    assert "whsec_" in reply.text
    assert "The old secret signs until 2026-12-01 17:00:00 UTC" in text_of(console.http.get("/webhooks/crm").text)
    too_long = send(console.http, "/webhooks/crm/rotate", "/webhooks/crm/rotate", {"hours": "9999"})
    assert too_long.status_code == 422


def test_events_are_listed_by_state_and_sent_again(console: Console) -> None:
    add(console)
    happen(console, 3)
    with console.ledger.writing() as db:
        ids = sorted(db.scalars(deliveries.select().with_only_columns(deliveries.c.id)).all())
        failed = {"state": "failed", "answer": "500 of +14155550101"}
        db.execute(update(deliveries).where(deliveries.c.id == ids[0]).values(**failed))
        db.execute(update(deliveries).where(deliveries.c.id == ids[1]).values(state="delivered"))
        db.execute(update(webhooks).values(given_up=1))
    assert len(ids) == 3
    page = console.http.get("/webhooks/crm").text
    assert page.count("evt_") >= 3
    assert "5550101" not in page
    assert console.http.get("/webhooks/crm?state=failed").text.count('class="muted small">evt_') == 1
    reply = send(console.http, "/webhooks/crm", "/webhooks/crm/replay")
    assert "1 event is sent again." in text_of(console.http.get(reply.headers["location"]).text)
    delivered = console.http.get("/webhooks/crm?state=delivered").text.partition('name="event" value="')[2]
    reply = send(console.http, "/webhooks/crm", "/webhooks/crm/replay", {"event": delivered.partition('"')[0]})
    assert reply.headers["location"].endswith("count=1")
    assert console.http.get("/webhooks/crm?state=pending").text.count('class="muted small">evt_') == 3


def test_many_events_come_in_parts(console: Console) -> None:
    add(console)
    happen(console, 60)
    first = console.http.get("/webhooks/crm").text
    older = re.search(r'href="(\?after=\w+)" rel="next"', first)
    assert older
    second = console.http.get(f"/webhooks/crm{older[1]}").text
    seen = [re.findall(r'class="muted small">(evt_\w+)', page) for page in (first, second)]
    assert [len(ids) for ids in seen] == [50, 10]
    assert len(set(seen[0] + seen[1])) == 60


def test_before_a_removal_the_page_says_what_is_lost(console: Console) -> None:
    add(console)
    happen(console, 2)
    assert "2 events that wait are lost." in text_of(console.http.get("/webhooks/crm/remove").text)
    reply = send(console.http, "/webhooks/crm/remove", "/webhooks/crm/remove")
    page = console.http.get(reply.headers["location"])
    assert "The webhook is removed." in page.text
    assert console.http.get("/webhooks/crm").status_code == 404
    token = page.text.partition('name="token" value="')[2].partition('"')[0]
    assert console.http.post("/webhooks/crm/remove", data={"token": token}).status_code == 303, (
        "as after a double click"
    )


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.SENDER])
def test_webhooks_are_for_administrators(console: Console, role: Role) -> None:
    add(console)
    console_server.add_user(console.ledger, "somebody", role, now=console.clock())
    with console_server.client(console.address, user="somebody") as http:
        assert 'href="/webhooks"' not in http.get("/").text
        assert [http.get(path).status_code for path in ("/webhooks", "/webhooks/crm")] == [403, 403]
        assert http.post("/webhooks/crm/pause", data={"token": token_of(http.get("/").text)}).status_code == 403
