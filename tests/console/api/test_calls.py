"""Single calls and contacts in motion, as programs ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from campaigns.ledger.tables import contacts
from campaigns.operations.api_tokens import Scope
from dialer.phone import mask
from tests.console.api.test_tokens import bearing, token
from tests.console.conftest import Console
from tests.support.motion import row, start_listed, start_standing

NUMBER = "+14155550107"
CALL: dict[str, Any] = {"campaign": "reminders", "to": NUMBER, "fields": {"name": "Ann"}}


@pytest.fixture
def standing(console: Console, tmp_path: Path) -> str:
    return start_standing(console.ledger, tmp_path, now=console.clock()).id


@pytest.fixture
def listed(console: Console, tmp_path: Path) -> str:
    return start_listed(console.ledger, tmp_path, [row(1), row(2)], now=console.clock()).id


@pytest.fixture
def clinic(console: Console) -> Iterator[httpx.Client]:
    with bearing(console, token(console, Scope.CALLS, name="clinic")) as http:
        yield http


def phones(console: Console) -> list[str]:
    with console.ledger.reading() as db:
        return list(db.scalars(select(contacts.c.phone).order_by(contacts.c.id)))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            '{"campaign": "reminders",\n "to": "+14155550107", "to": "+14155550108"}',
            '2:24: the body cannot be read as JSON: the key "to" stands twice',
        ),
        (
            '{"campaign": "reminders", "to": "+14155550107", "fields": {"name": "Ann", "name": "Bob"}}',
            'the key "name" stands twice',
        ),
        (
            '{"campaign": "reminders",\n "to" "+14155550107"}',
            "2:7: the body cannot be read as JSON: Expecting ':' delimiter",
        ),
    ],
)
def test_a_body_that_says_two_things_is_refused_where_it_does(
    console: Console, standing: str, clinic: httpx.Client, body: str, said: str
) -> None:
    reply = clinic.post("/api/v1/calls", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 422
    assert said in reply.json()["detail"]
    assert phones(console) == []


def test_a_call_is_asked_for_told_about_and_withdrawn(console: Console, standing: str, clinic: httpx.Client) -> None:
    reply = clinic.post("/api/v1/calls", json=CALL | {"key": "visit-7"})
    call = reply.json()
    assert (reply.status_code, reply.headers["location"]) == (201, f"/api/v1/calls/{call['id']}")
    assert (call["campaign"], call["fate"], call["replayed"]) == (standing, "added", False)
    story = clinic.get(f"/api/v1/calls/{call['id']}").json()
    assert (story["status"], story["number"], story["key"]) == ("pending", mask(NUMBER), "visit-7")
    withdrawn = clinic.delete(f"/api/v1/calls/{call['id']}").json()
    assert (withdrawn["outcome"], withdrawn["status"]) == ("done", "withdrawn")
    assert clinic.delete(f"/api/v1/calls/{call['id']}").json()["outcome"] == "before"
    assert clinic.delete("/api/v1/calls/999999").status_code == 404
    lines = [line["event"] for line in console.http.get("/api/v1/audit").json()["items"] if "clinic" in line["who"]]
    assert "contact withdrawn" in lines


def test_a_token_for_calls_alone_sees_and_withdraws_nobody_of_a_list(
    console: Console, listed: str, clinic: httpx.Client
) -> None:
    (contact, *_) = console.http.get(f"/api/v1/campaigns/{listed}/contacts").json()["items"]
    for method in ("GET", "DELETE"):
        reply = clinic.request(method, f"/api/v1/calls/{contact['id']}")
        assert (reply.status_code, reply.json()["detail"]) == (404, f"no call has the id {contact['id']}")
    (contact, *_) = console.http.get(f"/api/v1/campaigns/{listed}/contacts").json()["items"]
    assert contact["status"] == "pending"


def test_the_same_idempotency_key_is_the_same_call(console: Console, standing: str, clinic: httpx.Client) -> None:
    once = {"Idempotency-Key": "4f1c"}
    first, again = (clinic.post("/api/v1/calls", json=CALL, headers=once).json() for _ in range(2))
    assert (again["id"], again["replayed"]) == (first["id"], True)
    other = clinic.post("/api/v1/calls", json=CALL | {"to": "+14155550108"}, headers=once)
    assert (other.status_code, other.json()["type"]) == (409, "urn:dialer:key-reused")
    with bearing(console, token(console, Scope.CALLS, name="other")) as http:
        of_another = http.post("/api/v1/calls", json=CALL | {"key": "x"}, headers=once)
    assert of_another.json()["replayed"] is False, "two programs may choose the same key"
    console.clock.forward(24 * 3600 + 1)
    assert clinic.post("/api/v1/calls", json=CALL | {"to": "+14155550109"}, headers=once).json()["replayed"] is False


def test_one_key_raced_by_fifty_clients_makes_one_call(console: Console, standing: str, clinic: httpx.Client) -> None:
    def ask(_: int) -> httpx.Response:
        with bearing(console, clinic.headers["authorization"].split()[1]) as http:
            return http.post("/api/v1/calls", json=CALL, headers={"Idempotency-Key": "race"})

    with ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(ask, range(50)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert sorted(reply.json()["replayed"] for reply in replies) == [False] + [True] * 49
    assert phones(console) == [NUMBER]


@pytest.mark.parametrize(
    ("changes", "status", "named"),
    [
        ({"to": "12"}, 422, "phone"),
        ({"fields": {}}, 422, "name"),
        ({"key": "\0"}, 422, "key"),
        ({"not_after": "2020-01-01T00:00:00Z"}, 422, "not_after"),
        ({"not_after": "2027-01-01T00:00:00"}, 422, "not_after"),
        ({"campaign": "nobody"}, 404, "nobody"),
        ({"number": NUMBER}, 422, "number"),
    ],
)
def test_a_call_that_cannot_be_placed_is_refused_with_its_reason(
    console: Console, standing: str, clinic: httpx.Client, changes: dict[str, Any], status: int, named: str
) -> None:
    reply = clinic.post("/api/v1/calls", json=CALL | changes)
    assert reply.status_code == status, reply.text
    assert named in reply.json()["detail"]
    assert phones(console) == []


def test_a_campaign_with_a_list_takes_no_single_calls_and_a_closed_one_none_at_all(
    console: Console, standing: str, clinic: httpx.Client
) -> None:
    with bearing(console, token(console, Scope.CAMPAIGNS)) as http:
        late = http.post(f"/api/v1/campaigns/{standing}/close", headers={"If-Match": '"paused-1"'})
        assert (late.status_code, late.json()["type"]) == (412, "urn:dialer:changed-meanwhile")
        assert http.post(f"/api/v1/campaigns/{standing}/close", headers={"If-Match": "*"}).status_code == 200
    reply = clinic.post("/api/v1/calls", json=CALL)
    assert (reply.status_code, reply.json()["type"]) == (409, "urn:dialer:cannot-append")


def test_contacts_are_appended_once_changed_and_withdrawn(console: Console, listed: str) -> None:
    at = f"/api/v1/campaigns/{listed}/contacts"
    rows = [row(number) for number in (2, 3)] + [row(4) | {"phone": "12"}]
    with bearing(console, token(console, Scope.CAMPAIGNS, Scope.READ)) as http:
        refused = http.post(at, json={"contacts": rows})
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:dialer:rows-rejected")
        ((where, why),) = [(fault["where"], fault["message"]) for fault in refused.json()["faults"]]
        assert (where, "no country code" in why) == ("3: phone", True)
        done = http.post(at, json={"contacts": rows, "skip_rejects": True}).json()
        assert (done["added"], done["same"], done["rejected"], done["rejects"][0]["column"]) == (1, 1, 1, "phone")
        lines = "phone,name,id,until\n" + "".join(
            f"{one['phone']},Bea,{one['id']},{one['until']}\n" for one in rows[:2]
        )
        again = http.post(f"{at}/upload", files={"list": ("more.csv", lines)}).json()
        assert (again["added"], again["changed"]) == (0, 2)
        (contact,) = http.get(at, params={"key": "A-3"}).json()["items"]
        changed = http.patch(f"{at}/{contact['id']}", json={"fields": {"name": "Cid"}}).json()
        assert (changed["outcome"], changed["why"]) == ("done", "")
        withdrawn = http.post(f"{at}/withdraw", json={"contacts": [{"key": "A-3"}, {"key": "B"}], "reason": "moved"})
        assert [one["status"] for one in withdrawn.json()["contacts"]] == ["withdrawn"]
        assert withdrawn.json()["unknown"] == ["key 'B'"]
        late = http.patch(f"{at}/{contact['id']}", json={"text": "Hello."}).json()
        assert (late["outcome"], late["why"]) == ("over", "it is withdrawn: moved")
        assert http.get(f"{at}/{contact['id']}").json()["why"] == "it is withdrawn: moved"


def test_a_change_of_what_has_changed_meanwhile_is_412(console: Console, listed: str) -> None:
    (contact, *_) = console.http.get(f"/api/v1/campaigns/{listed}/contacts").json()["items"]
    at = f"/api/v1/campaigns/{listed}/contacts/{contact['id']}"
    seen = {"If-Match": console.http.get(at).headers["etag"]}
    changed = console.http.patch(at, json={"fields": {"name": "Bea"}}, headers=seen)
    assert (changed.status_code, changed.headers["etag"] != seen["If-Match"]) == (200, True)
    late = console.http.patch(at, json={"fields": {"name": "Cid"}}, headers=seen)
    assert (late.status_code, late.json()["type"]) == (412, "urn:dialer:changed-meanwhile")
    current = {"If-Match": changed.headers["etag"]}
    assert console.http.patch(at, json={"fields": {"name": "Cid"}}, headers=current).status_code == 200


def test_of_ten_who_change_the_same_thing_as_they_have_seen_it_one_does(console: Console, listed: str) -> None:
    """The first is answered 200, and whoever comes after has seen another one."""
    (contact, *_) = console.http.get(f"/api/v1/campaigns/{listed}/contacts").json()["items"]
    at, campaign = f"/api/v1/campaigns/{listed}/contacts/{contact['id']}", f"/api/v1/campaigns/{listed}"
    secret = token(console, Scope.CAMPAIGNS, Scope.READ)
    for asked, method, path, body in (
        (at, "PATCH", at, lambda number: {"fields": {"name": f"Name {number}"}}),
        (campaign, "POST", f"{campaign}/cancel", lambda number: {"reason": f"number {number}"}),
    ):
        seen = {"If-Match": console.http.get(asked).headers["etag"]}

        def act(number: int, of: Any = (method, path, body, seen)) -> int:
            method, path, body, seen = of
            with bearing(console, secret) as http:
                return http.request(method, path, json=body(number), headers=seen).status_code

        with ThreadPoolExecutor(10) as threads:
            assert sorted(threads.map(act, range(10))) == [200] + [412] * 9, path


@pytest.mark.parametrize("name", [{}, {"key": "A-1", "id": 1}, {"number": "12"}, {"nmber": "+14155550101"}])
def test_a_contact_is_named_in_one_way(console: Console, listed: str, name: dict[str, Any]) -> None:
    reply = console.http.post(f"/api/v1/campaigns/{listed}/contacts/withdraw", json={"contacts": [name]})
    assert reply.status_code == 422, reply.text
