"""Contacts: listed, searched, one contact's story, and what can be done with it, by whom."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from campaigns.ledger.numbers.suppressions import listed
from campaigns.ledger.tables import contacts
from campaigns.lifecycle import ContactStatus
from campaigns.reporting.overview import contact_search
from dialer.phone import mask
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.statuses import as_contact

NASTY = "<script>alert('x')</script>"
PHONES = console_server.PHONES
LIST = "/campaigns/reminder-1/contacts"


@pytest.fixture
def ids(console: Console) -> list[int]:
    """The contacts of a campaign: two reached, three not, the others to be called; the third is called."""
    now = console.clock()
    campaign = console_server.add_campaign(console.ledger, now=now, phones=PHONES)
    with console.ledger.writing() as db:
        rows = list(db.scalars(select(contacts.c.id).order_by(contacts.c.id)))
        reached = as_contact(ContactStatus.REACHED, now, reason="answered")
        db.execute(update(contacts).where(contacts.c.id.in_(rows[:2])).values(**reached))
        for reason, some in (("busy after 3 tries", rows[3:5]), ("no answer after 3 tries", rows[5:6])):
            missed = as_contact(ContactStatus.UNREACHED, now, reason=reason)
            db.execute(update(contacts).where(contacts.c.id.in_(some)).values(**missed))
        db.execute(update(contacts).where(contacts.c.id == rows[0]).values(key="A-1042", zone="America/New_York"))
    console_server.start_dialing(console.ledger, campaign, now=now)
    return rows


def text_of(reply: httpx.Response | str) -> str:
    html = reply if isinstance(reply, str) else reply.text
    return " ".join(re.sub(r"<[^>]*>", " ", html).replace("&#39;", "'").split())


def post(console: Console, path: str, page: str = "/contacts", **fields: str) -> httpx.Response:
    """Send a form with the token of a page."""
    token = re.search(r'name="token" value="(\w+)"', console.http.get(page).text)
    assert token
    return console.http.post(path, data={"token": token[1], **fields})


def shown(html: str) -> list[str]:
    """The numbers in the table of contacts, in their order."""
    return re.findall(r'<td class="phone"[^>]*><a [^>]*>([^<]+)</a>', html)


def rows_of(console: Console) -> dict[int, Any]:
    with console.ledger.reading() as db:
        return {row.id: row for row in db.execute(select(contacts))}


def test_contacts_are_listed_by_status_and_reason(console: Console, ids: list[int]) -> None:
    assert len(shown(console.http.get(LIST).text)) == len(PHONES)
    page = console.http.get(LIST, params={"status": "unreached"})
    assert shown(page.text) == [mask(phone) for phone in PHONES[3:6]]
    assert "busy after 3 tries 2 no answer after 3 tries 1" in text_of(page)
    busy = console.http.get(LIST, params={"status": "unreached", "reason": "busy after 3 tries"})
    assert shown(busy.text) == [mask(phone) for phone in PHONES[3:5]]
    assert "No contact is like this" in text_of(console.http.get(LIST, params={"status": "expired"}))


def test_pages_of_contacts_show_each_once(console: Console, ids: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.pages.contacts.SHOWN", 1)
    monkeypatch.setattr(contact_search, "LOOKED_THROUGH", 2)
    for query, numbers in (("", PHONES), ("?status=unreached&reason=no%20answer%20after%203%20tries", PHONES[5:6])):
        path, seen = LIST + query, list[str]()
        while path:
            page = console.http.get(path).text
            seen += shown(page)
            more = re.search(r'rel="next" href="([^"]+)"', page)
            path = more[1].replace("&amp;", "&") if more else ""
        assert sorted(seen) == sorted(mask(phone) for phone in numbers)


@pytest.mark.parametrize("query", ["status=no-such", "after=nonsense", "reason=%00", "phone=%2B14155550100"])
def test_a_list_that_cannot_be_is_refused(console: Console, ids: list[int], query: str) -> None:
    assert console.http.get(f"{LIST}?{query}").status_code == 422


@pytest.mark.parametrize("typed", [PHONES[0], "+1 (415) 555-0100", "415 555 0100", "0100", "A-1042", "555-0100"])
def test_a_number_its_end_or_a_key_leads_to_the_contact(console: Console, ids: list[int], typed: str) -> None:
    for within in ("reminder-1", ""):
        reply = post(console, "/contacts/search", search=typed, campaign=within)
        assert (reply.status_code, reply.headers.get("location")) == (303, f"{LIST}/{ids[0]}")


def test_a_number_in_several_campaigns_is_a_list(console: Console, ids: list[int]) -> None:
    console_server.add_campaign(console.ledger, "later", now=console.clock(), phones=PHONES[:2])
    reply = post(console, "/contacts/search", search=PHONES[0])
    assert shown(reply.text) == [mask(PHONES[0])] * 2
    assert "later-1" in reply.text
    reply = post(console, "/contacts/search", search=PHONES[0], campaign="later-1")
    assert reply.status_code == 303
    story = text_of(console.http.get(f"{LIST}/{ids[0]}"))
    assert "The same number in other campaigns" in story


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Write a number, its last digits, or a key."),
        ("+1 555", "+1 555"),
        ("nobody's", "No campaign has this number or key"),
        ("0199", "No campaign has this number or key"),
        ("012", "No campaign has this number or key"),
    ],
)
def test_who_is_not_found_is_said_and_what_was_typed_stays(
    console: Console, ids: list[int], typed: str, said: str
) -> None:
    reply = post(console, "/contacts/search", search=typed)
    assert reply.status_code == (422 if typed in ("", "+1 555") else 200)
    assert said in text_of(reply) or f'value="{said}"' in reply.text


def test_campaigns_that_have_contacts_of_a_status_are_listed(console: Console, ids: list[int]) -> None:
    page = console.http.get("/contacts", params={"status": "unreached"})
    assert f'<a href="{LIST}?status=unreached">reminder-1</a></td><td class="number">3</td>' in page.text
    assert "None of the newest campaigns" in text_of(console.http.get("/contacts", params={"status": "refused"}))


def test_a_contacts_story_tells_each_call_with_the_time_where_the_person_is(console: Console, ids: list[int]) -> None:
    campaign = console_server.add_campaign(console.ledger, "far", now=console.clock(), phones=["+12125550123"])
    with console.ledger.writing() as db:
        db.execute(update(contacts).where(contacts.c.campaign_id == campaign).values(zone="America/New_York"))
    (attempt,) = console_server.start_dialing(console.ledger, campaign, now=console.clock())
    console.deliver(
        console_server.notice("ANSWERED", "7519", call="call-1", attempt=attempt, at="2026-12-01T15:00:01Z")
    )
    contact = next(row.id for row in rows_of(console).values() if row.campaign_id == campaign)
    page = text_of(console.http.get(f"/campaigns/{campaign}/contacts/{contact}"))
    assert "10:00 America/New_York" in page
    assert "2026-12-01 15:00:00 UTC 10:00 answered" in page
    assert "ANSWERED 7519: answered" in page


def test_the_whole_number_is_shown_once_and_the_audit_says_to_whom(console: Console, ids: list[int]) -> None:
    path = f"{LIST}/{ids[0]}"
    assert PHONES[0] not in console.http.get(path).text
    reply = post(console, f"{path}/number", path)
    assert reply.status_code == 200
    assert PHONES[0] in reply.text
    assert PHONES[0] not in console.http.get(path).text
    (line,) = console_server.audit_rows(console.ledger, "number shown")
    assert (line.who, line.campaign_id, line.detail) == ("operator", "reminder-1", f"contact {ids[0]}")


def test_a_contact_is_taken_out_of_its_campaign(console: Console, ids: list[int]) -> None:
    path = f"{LIST}/{ids[-1]}"
    for _ in range(2):  # a double click
        reply = post(console, f"{path}/withdraw", path, reason="has cancelled")
        assert (reply.status_code, reply.headers["location"]) == (303, path)
    row = rows_of(console)[ids[-1]]
    assert (row.status, row.reason) == ("withdrawn", "has cancelled")
    assert f'action="{path}/withdraw"' not in console.http.get(path).text
    assert post(console, f"{path}/withdraw", path, reason="x" * 500).status_code == 422


def test_a_number_is_never_called_again(console: Console, ids: list[int]) -> None:
    path = f"{LIST}/{ids[-1]}"
    refused = post(console, f"{path}/suppress", path, reason=" ")
    assert refused.status_code == 422
    assert "Say why in one line" in text_of(refused)
    assert post(console, f"{path}/suppress", path, reason="asked at the desk").status_code == 303
    with console.ledger.reading() as db:
        (entry,) = listed(db, [PHONES[-1]])
    assert (entry.reason, entry.source) == ("asked at the desk", "operator")
    page = console.http.get(path).text
    assert "asked at the desk" in page
    assert f'action="{path}/suppress"' not in page


def test_an_admin_takes_what_is_held_about_a_person_as_a_file(console: Console, ids: list[int]) -> None:
    path = f"{LIST}/{ids[0]}"
    file = post(console, f"{path}/export", path)
    assert (file.status_code, file.headers["content-disposition"]) == (
        200,
        f'attachment; filename="person-{ids[0]}.json"',
    )
    assert file.json()["contacts"][0]["phone"] == PHONES[0]
    (line,) = console_server.audit_rows(console.ledger, "person exported")
    assert PHONES[0] not in line.detail
    headers = {"X-Requested-With": "test"}
    body = {"number": PHONES[0]}
    assert console.http.post("/api/v1/persons/export", json=body, headers=headers).status_code == 403  # no `numbers`


def test_a_person_is_erased_after_the_word_was_typed(console: Console, ids: list[int]) -> None:
    path = f"{LIST}/{ids[0]}"
    refused = post(console, f"{path}/erase", path, confirmation="yes")
    assert refused.status_code == 422
    assert "Nothing was erased" in text_of(refused)
    assert rows_of(console)[ids[0]].phone == PHONES[0]
    done = post(console, f"{path}/erase", path, confirmation="Erase")
    assert "1 contact was emptied" in text_of(done)
    assert rows_of(console)[ids[0]].phone.startswith("hash:")
    page = text_of(console.http.get(path))
    assert "erased" in page
    assert "Show number" not in page
    assert post(console, f"{path}/number").status_code == 409


def test_what_lists_and_providers_wrote_is_shown_as_text(console: Console, ids: list[int]) -> None:
    with console.ledger.writing() as db:
        nasty = as_contact(ContactStatus.REFUSED, console.clock(), reason=NASTY)
        db.execute(update(contacts).where(contacts.c.id == ids[0]).values(**nasty, key=NASTY, consent=NASTY))
    search = post(console, "/contacts/search", search=f"{NASTY}?")
    pages = [search, console.http.get(f"{LIST}?status=refused"), console.http.get(f"{LIST}/{ids[0]}")]
    for page in pages:
        assert NASTY not in page.text
        assert "&lt;script&gt;" in page.text
        assert page.text.count("<script") == 1, "only our own"


@pytest.mark.parametrize("act", ["number", "withdraw", "suppress", "erase"])
def test_a_contact_of_another_campaign_is_not_there(console: Console, ids: list[int], act: str) -> None:
    console_server.add_campaign(console.ledger, "other", now=console.clock(), phones=["+12125550123"])
    other = max(rows_of(console))
    assert console.http.get(f"{LIST}/{other}").status_code == 404
    fields = {"reason": "x", "confirmation": "erase"} if act != "number" else {}
    reply = post(console, f"{LIST}/{other}/{act}", **fields)
    assert reply.status_code == 404
    assert rows_of(console)[other].status == "pending"


def test_due_contacts_are_told_when(console: Console, ids: list[int]) -> None:
    with console.ledger.writing() as db:
        later = console.clock() + timedelta(minutes=5)
        db.execute(update(contacts).where(contacts.c.id == ids[-1]).values(due_at=later))
    assert "due 2026-12-01 15:05:00 UTC" in text_of(console.http.get(f"{LIST}?status=pending"))
