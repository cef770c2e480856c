"""Who may do what: every route of the pages, asked by every role and by nobody, on both stores."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from fastapi.routing import APIRoute

from campaigns.operations.people import Role
from console.pages.site import ROUTERS
from console.server.page_route import PageRoute, PublicRoute, role_of
from tests.console.conftest import Console
from tests.support import console_server

FILLED = {"action": "pause", "kind": "campaigns"}
REFUSED = "this needs the role"
NO_FORM = "this form is not one of this console"
PUBLIC = {"/login", "/login/oidc", "/login/oidc/callback", "/assets/{name}"}
HELD = {
    Role.VIEWER: {Role.VIEWER},
    Role.EDITOR: {Role.VIEWER, Role.EDITOR},
    Role.SENDER: {Role.VIEWER, Role.SENDER},
    Role.ADMIN: set(Role),
}


def routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def requests() -> Iterator[tuple[str, str, Role]]:
    """Each route that asks for a role, with each of its methods."""
    for route in routes():
        if isinstance(route, PageRoute):
            path = re.sub(r"\{(\w+)(:\w+)?\}", lambda match: FILLED.get(match[1], "1"), route.path)
            for method in sorted(route.methods or ()):
                yield method, path, role_of(route)


@pytest.fixture
def browsers(console: Console) -> Iterator[dict[Role, httpx.Client]]:
    """A browser for each role, in which somebody with it has logged in."""
    with ExitStack() as open_clients:
        clients = {}
        for role in Role:
            console_server.add_user(console.ledger, role, role, now=console.clock())
            clients[role] = open_clients.enter_context(console_server.browser(console.address, role))
        yield clients


def test_every_role_opens_its_own_routes_and_no_other(console: Console, browsers: dict[Role, httpx.Client]) -> None:
    """What changes something is asked without a form of ours: whoever may do it is refused for that, later."""
    for method, path, needed in requests():
        for role, browser in browsers.items():
            reply = browser.request(method, path)
            where = (method, path, role, reply.status_code)
            if needed not in HELD[role]:
                assert reply.status_code == 403, where
                assert REFUSED in reply.text, where
            elif method == "GET":
                assert reply.status_code != 403, where
                assert reply.status_code < 500 or path.startswith("/accounts"), where
            else:
                assert (reply.status_code, NO_FORM in reply.text) == (403, True), where


def test_nobody_who_has_not_logged_in_sees_or_does_anything(console: Console) -> None:
    with console_server.client(console.address, known=False, headers={"accept": "text/html"}) as stranger:
        for method, path, _ in requests():
            reply = stranger.request(method, path)
            assert (reply.status_code, reply.headers["location"].partition("?")[0]) == (303, "/login"), (method, path)


def test_only_the_log_in_and_its_files_are_open_to_everybody() -> None:
    assert {route.path for route in routes() if isinstance(route, PublicRoute)} <= PUBLIC
    assert all(isinstance(route, PageRoute | PublicRoute) for route in routes())


def test_what_a_role_may_not_do_is_not_in_its_menu(browsers: dict[Role, httpx.Client]) -> None:
    menus = {role: browser.get("/").text.partition("</nav>")[0] for role, browser in browsers.items()}
    for path, needed in (("/people", Role.ADMIN), ("/tokens", Role.ADMIN), ("/account", Role.VIEWER)):
        for role, menu in menus.items():
            assert (f'href="{path}"' in menu) is (needed in HELD[role]), (path, role)
