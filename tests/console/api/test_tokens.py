"""Tokens: each does what its scopes say and no more, ends when it is told to, and is found in the audit by its name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import event, select

from campaigns.ledger.tables import tokens
from campaigns.operations import api_tokens
from campaigns.operations.api_tokens import Scope
from campaigns.operations.people import Role
from console.api.document import routes
from console.server.api_route import scope_of
from console.server.rate_limit import REQUESTS, RateLimit
from dialer.phone import mask
from tests.console.conftest import Console
from tests.support import console_server


def token(console: Console, *scopes: Scope, name: str = "shop", **facts: object) -> str:
    _, secret = api_tokens.create(
        console.ledger,
        name,
        scopes,
        who="test",
        now=console.clock(),
        **facts,  # type: ignore[arg-type]
    )
    return secret


def bearing(console: Console, secret: str) -> httpx.Client:
    return console_server.client(console.address, known=False, headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def reminder(console: Console) -> str:
    return console_server.add_campaign(console.ledger, now=console.clock())


def every_request(reminder: str) -> Iterator[tuple[str, str, Scope]]:
    """Each route with each of its methods, and the scope that it needs."""
    for route in routes():
        path = route.path.format(
            campaign_id=reminder,
            draft_id="no.draft",
            append_id="no.append",
            sheet="attempts",
            name="nobody",
            session=1,
            call_id=1,
            contact_id=1,
        )
        for method in sorted(route.methods or ()):
            scope = scope_of(route)
            assert scope is not None, path
            yield method, path, scope


def test_every_scope_opens_its_own_routes_and_no_other(console: Console, reminder: str) -> None:
    requests = list(every_request(reminder))
    for scope in Scope:
        own = [scope] if scope is not Scope.NUMBERS else [Scope.METRICS, Scope.NUMBERS]
        with bearing(console, token(console, *own, name=scope.replace(":", "-"))) as http:
            for method, path, needed in requests:
                reply = http.request(method, path, json={"nothing": "of it"} if method != "GET" else None)
                allowed = needed is scope or scope is Scope.ADMIN
                assert (reply.status_code != 403) is allowed, (scope, method, path, reply.text)
            assert http.get("/metrics").status_code == (200 if Scope.METRICS in own or scope is Scope.ADMIN else 403)
            assert http.get("/").status_code == 403, "pages are for people"
            assert http.get("/api/v1/openapi.json").status_code == 200


SCOPES_OF_ROLES = {
    Role.VIEWER: {Scope.READ, Scope.METRICS},
    Role.EDITOR: {Scope.READ, Scope.METRICS, Scope.CAMPAIGNS, Scope.SUPPRESSIONS},
    Role.SENDER: {Scope.READ, Scope.METRICS, Scope.SEND, Scope.CALLS},
    Role.ADMIN: set(Scope) - {Scope.NUMBERS},
}


def test_a_person_does_in_the_api_what_their_roles_allow(console: Console, reminder: str) -> None:
    """What the scopes of the role allow; but to pause, cancel and close is for those who send, and not for editors."""
    for role, scopes in SCOPES_OF_ROLES.items():
        console_server.add_user(console.ledger, role, role, now=console.clock())
        with console_server.client(console.address, user=role) as http:
            for method, path, needed in every_request(reminder):
                reply = http.request(method, path, json={"nothing": "of it"} if method != "GET" else None)
                stops = path.endswith((f"{reminder}/pause", f"{reminder}/cancel", f"{reminder}/close"))
                allowed = role in (Role.SENDER, Role.ADMIN) if stops else needed in scopes
                assert (reply.status_code != 403) is allowed, (role, method, path, reply.text)


def test_without_password_or_token_every_route_is_401(console: Console, reminder: str) -> None:
    with console_server.client(console.address, known=False) as stranger:
        for method, path, _ in every_request(reminder):
            assert stranger.request(method, path, json={}).status_code == 401, path


def test_a_token_is_good_until_it_ends_or_is_revoked(console: Console) -> None:
    end = console.clock() + timedelta(minutes=5)
    with bearing(console, token(console, Scope.READ, expires_at=end)) as http:
        assert http.get("/api/v1/campaigns").status_code == 200
        console.clock.forward(301)
        assert http.get("/api/v1/campaigns").status_code == 401
    with bearing(console, token(console, Scope.READ, name="other")) as http:
        assert http.get("/api/v1/campaigns").status_code == 200
        assert console.http.delete("/api/v1/tokens/other", headers={"X-Dialer": "1"}).status_code == 200
        reply = http.get("/api/v1/campaigns")
    assert (reply.status_code, reply.headers["www-authenticate"]) == (
        *(401, 'Bearer realm="dialer", error="invalid_token"'),
    )


def test_only_a_hash_of_it_is_kept(console: Console) -> None:
    secret = token(console, Scope.READ)
    assert secret.startswith("dlr_")
    assert len(secret) == len("dlr_") + 43
    with console.ledger.reading() as db:
        row = db.execute(select(tokens)).one()
    assert secret not in str(row)
    assert row.secret_hash == hashlib.sha256(secret.encode()).hexdigest()
    shown = console.http.get("/api/v1/tokens").text
    assert secret not in shown
    assert row.secret_hash not in shown


def test_its_use_is_noted_once_a_minute(console: Console) -> None:
    writes: list[str] = []
    secret = token(console, Scope.READ)

    def note(conn, cursor, statement, *rest):  # type: ignore[no-untyped-def]
        if statement.startswith("UPDATE tokens"):
            writes.append(statement)

    event.listen(console.ledger.engine, "before_cursor_execute", note)
    try:
        with bearing(console, secret) as http:
            first = console.clock()
            for _ in range(3):
                http.get("/api/v1/campaigns")
                console.clock.forward(25)
            (shown,) = console.http.get("/api/v1/tokens").json()["items"]
            assert shown["last_used_at"] == first.isoformat().replace("+00:00", "Z")
            assert len(writes) == 1
            http.get("/api/v1/campaigns")
    finally:
        event.remove(console.ledger.engine, "before_cursor_execute", note)
    assert len(writes) == 2


def test_wrong_tokens_are_slowed_down_and_counted_as_wrong_passwords_are(console: Console) -> None:
    secret = token(console, Scope.READ)
    with bearing(console, secret[:-1] + ("A" if secret[-1] != "A" else "B")) as guesser:
        replies = [guesser.get("/api/v1/campaigns").status_code for _ in range(12)]
        assert replies == [401] * 10 + [429] * 2
    (line,) = console_server.audit_rows(console.ledger, "wrong passwords")
    assert line.detail == "wrong 1"


def test_what_it_does_stands_in_the_audit_under_its_name(console: Console, reminder: str) -> None:
    with bearing(console, token(console, Scope.CAMPAIGNS, Scope.SUPPRESSIONS)) as http:
        assert (
            http.post(f"/api/v1/campaigns/{reminder}/pause", json={"reason": "a flood"}).json()["reason"] == "a flood"
        )
        assert http.post("/api/v1/suppressions", json={"number": console_server.PHONES[0]}).json() == {"added": True}
        assert http.post("/api/v1/suppressions/remove", json={"number": console_server.PHONES[0]}).json()["removed"]
    lines = console.http.get("/api/v1/audit").json()["items"]
    assert [(line["who"], line["event"]) for line in lines] == [
        ("token shop", "suppression removed"),
        ("token shop", "suppression added"),
        ("token shop", "campaign paused"),
        ("test", "token created"),
    ]
    only = console.http.get("/api/v1/audit", params={"campaign": reminder}).json()["items"]
    assert [line["event"] for line in only] == ["campaign paused"]


def test_a_token_sends_no_header_of_ours_and_a_browser_must(console: Console, reminder: str) -> None:
    """A page of another site can make a browser send the password, and no token."""
    with bearing(console, token(console, Scope.CAMPAIGNS)) as http:
        assert http.post(f"/api/v1/campaigns/{reminder}/pause").status_code == 200
    assert console.http.post(f"/api/v1/campaigns/{reminder}/cancel").status_code == 415
    reply = console.http.post(f"/api/v1/campaigns/{reminder}/cancel", json={}, headers={"origin": "https://evil.test"})
    assert reply.status_code == 403


def test_numbers_are_masked_unless_the_token_has_them(console: Console, reminder: str) -> None:
    number = console_server.PHONES[0]
    asked = {"number": number}
    for scopes, shown in (([Scope.READ], mask(number)), ([Scope.READ, Scope.NUMBERS], number)):
        with bearing(console, token(console, *scopes, name=f"t{len(scopes)}")) as http:
            assert http.get(f"/api/v1/campaigns/{reminder}/contacts").json()["items"][0]["phone"] == shown
            (contact,) = http.post(f"/api/v1/campaigns/{reminder}/contacts/search", json=asked).json()["items"]
            assert contact["phone"] == shown
            story = http.post(f"/api/v1/campaigns/{reminder}/contacts/explain", json=asked).json()
            assert story["number"] == shown
            sheet = http.get(f"/api/v1/campaigns/{reminder}/report/follow-up.csv")
            assert sheet.status_code == (200 if Scope.NUMBERS in scopes else 403)
            workbook = http.get(f"/api/v1/campaigns/{reminder}/report/follow-up.xlsx")
            assert (workbook.status_code, workbook.content[:2] == b"PK") == (
                sheet.status_code,
                sheet.status_code == 200,
            )
            assert number not in http.get(f"/api/v1/campaigns/{reminder}/report/contacts.csv").text
    assert console.http.get(f"/api/v1/campaigns/{reminder}/contacts").json()["items"][0]["phone"] == mask(number)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"name": "x", "scopes": []}, 422),
        ({"name": "x", "scopes": ["numbers"]}, 403),
        ({"name": "x", "scopes": ["everything"]}, 422),
        ({"name": "a b", "scopes": ["read"]}, 422),
        ({"name": "\0", "scopes": ["read"]}, 422),
        ({"name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}, 422),
        ({"name": "x", "scopes": ["read"], "expires_at": "2030-01-01T00:00:00"}, 422),
        ({"name": "x", "scopes": ["read"], "for": "me"}, 422),
        ({"name": "taken", "scopes": ["read"]}, 409),
        ({"name": "x", "scopes": ["read", "numbers"]}, 403),
        ({"name": "x", "scopes": ["read"]}, 201),
    ],
)
def test_a_token_is_made_with_a_name_and_scopes_or_refused(
    console: Console, given: dict[str, object], status: int
) -> None:
    token(console, Scope.READ, name="taken")
    reply = console.http.post("/api/v1/tokens", json=given)
    assert reply.status_code == status, reply.text
    if status == 201:
        with bearing(console, reply.json()["token"]) as http:
            assert http.get("/api/v1/campaigns").status_code == 200
    else:
        assert reply.json()["detail"]


def test_what_a_caller_has_left_is_in_its_replies(console: Console) -> None:
    console.state.rate_limit = RateLimit(lambda: 12.0)
    with bearing(console, token(console, Scope.READ)) as http:
        replies = [http.get("/api/v1/campaigns"), http.get("/api/v1/campaigns/nobody"), http.get("/api/v1/tokens")]
        left = [int(reply.headers["ratelimit"].split("r=")[1].split(";")[0]) for reply in replies]
        assert left == [REQUESTS - 1, REQUESTS - 2, REQUESTS - 3]
        for _ in range(REQUESTS - 3):
            console.state.rate_limit.take("token shop")
        refused = http.get("/api/v1/campaigns")
    assert (refused.status_code, refused.json()["detail"]) == (429, "too many requests")
    assert refused.headers["retry-after"] == "8"
    assert console.http.get("/api/v1/campaigns").status_code == 200, "others are not held up by it"


def test_an_act_on_what_has_changed_meanwhile_is_412(console: Console, reminder: str) -> None:
    seen = console.http.get(f"/api/v1/campaigns/{reminder}").headers["etag"]
    again = console.http.post(f"/api/v1/campaigns/{reminder}/pause", json={}, headers={"if-match": seen})
    assert again.status_code == 200
    assert again.headers["etag"] != seen
    late = console.http.post(f"/api/v1/campaigns/{reminder}/cancel", json={}, headers={"if-match": seen})
    assert (late.status_code, late.json()["type"]) == (412, "urn:dialer:changed-meanwhile")
    assert console.http.get(f"/api/v1/campaigns/{reminder}").json()["status"] == "paused"
    current = console.http.post(
        f"/api/v1/campaigns/{reminder}/resume", json={}, headers={"if-match": f'"x", {again.headers["etag"]}'}
    )
    assert current.status_code == 200
