"""A new campaign's pages as a browser uses them: a messy workbook, the steps filled in, the buttons pressed."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence
from typing import Any, Protocol

import httpx
from openpyxl import Workbook

from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.file_drafts import FileDraft
from console.server.state import AppState
from tests.support import console_server
from tests.support.html import send, text_of, token_of


class Console(Protocol):
    """A console that is served."""

    @property
    def http(self) -> httpx.Client: ...

    @property
    def state(self) -> AppState: ...


HEADER = ("Mobile phone ", "First name", "Day", "Booking no", "Time zone")
PEOPLE = [
    (console_server.PHONES[0], "Ann", "Monday", "A-1", "America/Los_Angeles"),
    ("(415) 555-0102", "Bob", "Tuesday", "A-2", "America/New_York"),
    (14155550103, "Cy", "Friday", "A-3", "America/New_York"),
]
MESSY = [
    *PEOPLE,
    ("12", "Dee", "Friday", "A-4", "America/New_York"),
    (console_server.PHONES[0], "Eve", "Friday", "A-5", "America/New_York"),
    ("+14155550106", None, "Friday", "A-6", "America/New_York"),
]


def workbook(rows: Sequence[Sequence[Any]] = MESSY, header: Sequence[Any] = HEADER) -> bytes:
    book, content = Workbook(), io.BytesIO()
    for row in (header, *rows):
        book.active.append(row)
    book.save(content)
    return content.getvalue()


def upload(console: Console, content: bytes, file_name: str = "Recall March.xlsx", **fields: str) -> httpx.Response:
    page = console.http.get("/new").text
    once = page.partition('name="once" value="')[2].partition('"')[0]
    data = {"token": token_of(page), "once": once, **fields}
    files = {"list": (file_name, content)} if content else None
    return console.http.post("/new", data=data, files=files, headers={"Accept-Language": "en-US"})


def begun(console: Console, content: bytes, file_name: str = "Recall March.xlsx", **fields: str) -> str:
    reply = upload(console, content, file_name, **fields)
    assert reply.status_code == 303, text_of(reply.text)
    return str(reply.headers["location"]).rpartition("/")[0]


def kept(console: Console, draft: str) -> FileDraft:
    return file_drafts.find(console.state.settings.data_dir, draft.rpartition("/")[2])


def fields_of(page: str) -> dict[str, str]:
    """What stands in a page's form, as a browser would send it."""
    main = page.partition("<main")[2].partition("</form>")[0]
    fields = {}
    for tag in re.findall(r"<input [^>]*>", main):
        named = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in named and (named.get("type") not in ("checkbox", "radio", "file") or " checked" in tag):
            fields[named["name"]] = named.get("value", "on")
    for name, options in re.findall(r'<select [^>]*name="([\w-]+)".*?>(.*?)</select>', main, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        fields[name] = chosen[1] if chosen else ""
    for name, content in re.findall(r'<textarea [^>]*name="([\w-]+)"[^>]*>(.*?)</textarea>', main, re.DOTALL):
        fields[name] = content
    return {name: html.unescape(value) for name, value in fields.items()}


def fill_in(console: Console, page: str, **changes: str) -> httpx.Response:
    """Open a step, change some fields, and send the form."""
    return console.http.post(page, data=fields_of(console.http.get(page).text) | changes)


GOOD = workbook(PEOPLE)


def prepared(console: Console, content: bytes = GOOD, **settings: str) -> str:
    """A draft that lacks nothing, on an account whose provider refuses no login."""
    draft = begun(console, content)
    hours = {f"hours-{day}": "00:00-24:00" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    reply = fill_in(
        console, f"{draft}/settings", **{"account": "bulk", "caller_id": console_server.CALLER, **hours, **settings}
    )
    assert reply.status_code == 303, text_of(reply.text)
    return draft


def checked(console: Console, draft: str) -> str:
    assert send(console.http, f"{draft}/check", f"{draft}/check").status_code == 303
    return console.http.get(f"{draft}/check").text


def seen_of(page: str) -> str:
    """The version of the draft that a page shows."""
    return page.partition('name="seen" value="')[2].partition('"')[0]


def started(console: Console, draft: str, **fields: str) -> httpx.Response:
    """Press the button of the start page, confirming what it asks."""
    page = console.http.get(f"{draft}/start").text
    seen = seen_of(page)
    return console.http.post(f"{draft}/start", data={"token": token_of(page), "seen": seen, "when": "now", **fields})
