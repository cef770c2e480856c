"""The pages of people, of one's own account, and of tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from campaigns.operations import people
from campaigns.operations.people import Role
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.console_server import PASSWORD
from tests.support.html import NASTY, send, text_of

ON_SQLITE = pytest.mark.parametrize("shared_console", ["sqlite"], indirect=True)  # nothing of it is the store's
NEW: dict[str, Any] = {"name": "Ann", "password": "four words make one", "roles": ["editor", "sender"]}


@pytest.fixture
def browser(console: Console) -> Iterator[httpx.Client]:
    """A browser in which the admin has logged in."""
    with console_server.browser(console.address) as client:
        yield client


def test_somebody_is_added_logs_in_gets_roles_and_is_let_in_no_more(console: Console, browser: httpx.Client) -> None:
    assert send(browser, "/people", "/people", NEW).headers["location"] == "/people?done=added"
    assert "editor, sender" in text_of(browser.get("/people").text)
    with console_server.browser(console.address, "ann", NEW["password"]) as ann:
        assert ann.get("/people").status_code == 403
        assert send(browser, "/people/ann", "/people/ann/roles", {"roles": ["admin"]}).status_code == 303
        assert ann.get("/people").status_code == 200
        assert send(browser, "/people/ann", "/people/ann/sessions").status_code == 303
        assert ann.get("/").status_code == 303
        assert send(browser, "/people/ann", "/people/ann/disable").status_code == 303
        assert ann.post("/login", data={"name": "ann", "password": NEW["password"]}).status_code == 401
        assert send(browser, "/people/ann", "/people/ann/enable").status_code == 303
        fields = {"password": "a different one"}
        assert send(browser, "/people/ann", "/people/ann/password", fields).status_code == 303
        assert ann.post("/login", data={"name": "ann", "password": "a different one"}).status_code == 303
    whos = {row.who for row in console_server.audit_rows(console.ledger, "user disabled")}
    assert whos == {"operator"}


@ON_SQLITE
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "operator"}, "name"),
        ({"name": NASTY}, "name"),
        ({"password": "short"}, "password"),
        ({"roles": []}, "roles"),
        ({"roles": ["boss"]}, "name"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    browser: httpx.Client, changes: dict[str, object], field: str
) -> None:
    refused = send(browser, "/people", "/people", NEW | changes)
    assert refused.status_code == 422
    assert f'id="{field}-fault"' in refused.text
    assert NASTY not in refused.text
    assert "four words" not in refused.text


def test_the_last_admin_stays(console: Console, browser: httpx.Client) -> None:
    for act, fields in (("disable", {}), ("roles", {"roles": ["viewer"]})):
        refused = send(browser, "/people/operator", f"/people/operator/{act}", fields)
        assert "nobody would be left" in refused.text
    assert people.named(console.ledger, "operator").may(Role.ADMIN)
    assert browser.get("/people/nobody").status_code == 404


def test_one_changes_ones_own_password_and_ends_ones_other_sessions(console: Console, browser: httpx.Client) -> None:
    console_server.add_user(console.ledger, "ann", Role.VIEWER, now=console.clock())
    with (
        console_server.browser(console.address, "ann") as here,
        console_server.browser(console.address, "ann") as there,
    ):
        assert "(this one)" in here.get("/account").text
        assert send(here, "/account", "/account/sessions").status_code == 303
        assert (here.get("/").status_code, there.get("/").status_code) == (200, 303)
        new = {"current": PASSWORD, "password": "another good one", "again": "another good one"}
        for wrong, field in (
            ({"current": "x"}, "current"),
            ({"again": "x"}, "again"),
            ({"password": "x", "again": "x"}, "password"),
        ):
            refused = send(here, "/account", "/account/password", new | wrong)
            assert (refused.status_code, f'id="{field}-fault"' in refused.text) == (422, True), field
        assert send(here, "/account", "/account/password", new).status_code == 303
        assert here.get("/account").status_code == 200, "with a new session"
        assert there.post("/login", data={"name": "ann", "password": PASSWORD}).status_code == 401


def test_a_token_is_made_shown_once_and_revoked(console: Console, browser: httpx.Client) -> None:
    made = send(browser, "/tokens", "/tokens", {"name": "shop", "scopes": ["read"], "days": "30"})
    secret = text_of(made.text.partition('<pre class="secret">')[2].partition("</pre>")[0])
    assert secret.startswith("dlr_")
    assert secret not in browser.get("/tokens").text
    with console_server.client(console.address, known=False, headers={"Authorization": f"Bearer {secret}"}) as program:
        assert program.get("/api/v1/campaigns").status_code == 200
        assert send(browser, "/tokens", "/tokens/shop/revoke").status_code == 303
        assert program.get("/api/v1/campaigns").status_code == 401


@ON_SQLITE
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": NASTY}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["numbers"]}, "scopes"),
        ({"scopes": ["all"]}, "scopes"),
        ({"days": "0"}, "days"),
        ({"days": "soon"}, "days"),
    ],
)
def test_what_could_be_no_token_is_refused_at_its_field(
    browser: httpx.Client, changes: dict[str, object], field: str
) -> None:
    refused = send(browser, "/tokens", "/tokens", {"name": "shop", "scopes": ["read"], "days": ""} | changes)
    assert (refused.status_code, f'id="{field}-fault"' in refused.text) == (422, True)
    assert NASTY not in refused.text
