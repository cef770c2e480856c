"""Every page that the console serves, and an address of each, taken from the links that lead to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from fastapi.routing import APIRoute
from playwright.sync_api import Page

from console.pages import site
from tests.support.browser import Visitor

LINK = re.compile(r'href="(/[^"#]*)"')
NOT_PAGES = ("/assets/", "/flower", "/login/oidc")  # files, and ways to and from other programs
AS_OFTEN = 3  # addresses of one kind that are opened, to see where they lead


def _served() -> Iterator[APIRoute]:
    """The routes in their order, which decides where two would fit."""
    for router in site.ROUTERS:
        yield from (route for route in router.routes if isinstance(route, APIRoute) and "GET" in route.methods)


PAGES = sorted({route.path for route in _served() if not route.path.startswith(NOT_PAGES)})


def route_of(address: str) -> str | None:
    """The path of the route that answers this address."""
    path = urlsplit(address).path
    return next((route.path for route in _served() if route.path_regex.match(path)), None)


@dataclass(frozen=True)
class Place:
    """Where a route can be opened, and whether its answer is a page or a file."""

    address: str
    is_page: bool


def addresses(http: httpx.Client, *first: str) -> dict[str, Place]:
    """An address of each route that links lead to from the pages `first` and the first page, by the route's path.

    Of several the first that is there: what is on the line now may be over a moment later.
    """
    found: dict[str, Place] = {}
    opened: dict[str | None, int] = {}
    waiting = [*first, "/", "/login"]
    seen = set(waiting)
    while waiting:
        address = waiting.pop(0)
        route = route_of(address)
        if route is None or opened.get(route, 0) >= AS_OFTEN:
            continue
        reply = http.get(address)
        opened[route] = opened.get(route, 0) + 1
        if reply.status_code != 200:
            continue
        is_page = reply.headers["content-type"].startswith("text/html")
        found.setdefault(route, Place(address, is_page))
        if not is_page:
            continue
        links = [link.replace("&amp;", "&") for link in LINK.findall(reply.text)]
        waiting += [link for link in links if not (link in seen or seen.add(link))]  # type: ignore[func-returns-value]
    return found


def check_numbers(person: Visitor, file: Path) -> str:
    """Upload numbers that are not to be called, which no link leads to; the address of their check is the answer."""
    page = person.page("/suppression/import")
    page.locator("#list").set_input_files(file)
    page.get_by_role("button", name="Check").click()
    page.wait_for_url("**/suppression/import/*")
    address = urlsplit(page.url).path
    page.close()
    return address


def append_list(person: Visitor, campaign: str, file: Path) -> str:
    """Append a list that a worker reads, which no link leads to; the address of what becomes of it is the answer."""
    page = person.page(f"/campaigns/{campaign}/append")
    page.locator("#rows").set_input_files(file)
    page.get_by_role("button", name="Check and append").click()
    page.wait_for_url("**/append/*")
    address = urlsplit(page.url).path
    page.close()
    return address


def begin_campaign(person: Visitor, file: Path) -> Page:
    """Upload a list on the page for new campaigns; the page of its columns is the answer."""
    page = person.page("/new")
    page.locator("#list").set_input_files(file)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/columns")
    return page
