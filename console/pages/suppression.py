"""The pages of the suppression list: numbers that nobody calls, found, added, taken off, and taken away as a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from campaigns.operations import suppression_list
from campaigns.operations.people import Role
from campaigns.operations.suppression_files import exporting
from campaigns.operations.suppression_list import BadSearch
from console.pages.days import A_DAY, UNTIL, typed_day
from console.pages.downloads import csv_download
from console.pages.language import gettext
from console.pages.rendering import render
from console.pages.said import with_remedy
from console.server.cursors import MAX_ID, After, id_after, page_of
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import AppState, InjectedState
from dialer.phone import BadPhoneNumber, PhoneNumber, is_country, parse

ENTRIES_SHOWN = 100
LONGEST_TEXT = 200
REASON = "do not call"

router = page_router()

Text = Annotated[str, Form(max_length=LONGEST_TEXT)]
EntryId = Annotated[int, Path(ge=1, le=MAX_ID)]
Done = Annotated[str | None, Query(max_length=20)]


@router.get("/suppression", **for_role(Role.VIEWER))
def show_list(request: Request, state: InjectedState, after: After = None, done: Done = None) -> str:
    """The list, the newest entries first, a part at a time."""
    rows = suppression_list.entries_after(state.ledger, id_after(after), ENTRIES_SHOWN + 1)
    page = page_of(rows, ENTRIES_SHOWN, lambda row: row, lambda row: (row[0],))
    return _list_page(
        request,
        state,
        page.items,
        newest="/suppression" if after else None,
        older=f"/suppression?{urlencode({'after': page.next})}" if page.next else None,
        notice=_notice(done),
    )


@router.post("/suppression/search", response_model=None, **for_role(Role.VIEWER))
def search_list(request: Request, state: InjectedState, number: Text = "") -> Response:
    """The entries of a number, or of all that end with these digits. What was typed stands in no address."""
    try:
        entries = suppression_list.find(state.ledger, number)
    except BadSearch as exc:
        fault = with_remedy(exc.message, exc.remedy)
        return HTMLResponse(_list_page(request, state, None, typed=number, fault=fault), 422)
    return HTMLResponse(_list_page(request, state, entries, typed=number))


@router.get("/suppression/add", **for_role(Role.EDITOR))
def show_form(request: Request, state: InjectedState) -> str:
    """The form that puts a number on the list."""
    return _form_page(request, state, {})


@router.post("/suppression/add", response_model=None, **for_role(Role.EDITOR))
def add_number(
    request: Request,
    state: InjectedState,
    person: InjectedPerson,
    number: Text = "",
    country: Annotated[str, Form(max_length=2)] = "",
    reason: Text = "",
    account: Text = "",
    until: Text = "",
) -> Response:
    """Put a number on the list: it holds before the next call. What is wrong is named at its field."""
    typed = {"number": number, "country": country, "reason": reason.strip(), "account": account, "until": until}
    faults: dict[str, str] = {}
    phone = _phone(number, country, faults)
    terms = terms_of(typed, state, faults)
    if phone is None or faults:
        return HTMLResponse(_form_page(request, state, typed, faults), 422)
    added = suppression_list.add(state.ledger, phone, who=person.name, now=state.clock(), **terms)
    return RedirectResponse(f"/suppression?done={'added' if added else 'known'}", 303)


@router.post("/suppression/export", response_model=None, **for_role(Role.VIEWER))
def export_list(state: InjectedState, person: InjectedPerson, whole: Annotated[bool, Form()] = False) -> Response:
    """The list as a CSV file. Its numbers are whole only for editors who ask for them, and the audit says so."""
    if whole:
        person.require_role(Role.EDITOR)
    exporting.note_export(state.ledger, whole=whole, who=person.name, now=state.clock())
    return csv_download("suppression-list.csv", exporting.exported_cells(state.ledger, whole=whole))


@router.get("/suppression/{entry_id}", **for_role(Role.VIEWER))
def show_entry(entry_id: EntryId, request: Request, state: InjectedState) -> str:
    """One entry: why the number is not called, since when, by whom, until when."""
    return _entry_page(request, state, entry_id)


@router.post("/suppression/{entry_id}/number", **for_role(Role.EDITOR))
def show_whole_number(entry_id: EntryId, request: Request, state: InjectedState, person: InjectedPerson) -> str:
    """The same with the whole number, on the answered page alone; the audit says who saw whose."""
    number = suppression_list.show_entry(state.ledger, entry_id, who=person.name, now=state.clock())
    return _entry_page(request, state, entry_id, number=number)


@router.post("/suppression/{entry_id}/remove", response_model=None, **for_role(Role.EDITOR))
def remove_entry(
    entry_id: EntryId, request: Request, state: InjectedState, person: InjectedPerson, reason: Text = ""
) -> Response:
    """Take the entry off the list. Pressed twice, it is off all the same."""
    reason = reason.strip()
    if not reason or not reason.isprintable():
        fault = gettext("Say why in one line: the audit keeps it.")
        return HTMLResponse(_entry_page(request, state, entry_id, fault=fault), 422)
    suppression_list.remove_entry(state.ledger, entry_id, reason=reason, who=person.name, now=state.clock())
    return RedirectResponse("/suppression?done=removed", 303)


def terms_of(typed: Mapping[str, str], state: AppState, faults: dict[str, str]) -> dict[str, Any]:
    """Reason, account and end of an entry as they were typed; what is wrong with them goes into `faults`."""
    if not typed["reason"].isprintable():
        faults["reason"] = gettext("write one line")
    if typed["account"] and typed["account"] not in state.settings.accounts:
        faults["account"] = gettext("there is no such account")
    expires_at = _end(typed["until"], state.clock(), faults)
    return {"reason": typed["reason"] or REASON, "account": typed["account"], "expires_at": expires_at}


def _end(typed: str, now: datetime, faults: dict[str, str]) -> datetime | None:
    day = typed_day(UNTIL, typed, faults)
    if day is None:
        return None
    if day + A_DAY <= now:
        faults[UNTIL] = gettext("this day has passed")
    return day + A_DAY


def _phone(number: str, country: str, faults: dict[str, str]) -> PhoneNumber | None:
    if country and not is_country(country):
        faults["country"] = gettext("two letters, such as US")
        return None
    try:
        return parse(number, country.upper() or None)
    except BadPhoneNumber as exc:
        faults["number"] = with_remedy(str(exc), exc.suggestion)
        return None


def _list_page(request: Request, state: AppState, entries: Any, **facts: Any) -> str:
    shown = {"typed": "", "fault": None, "notice": None, "newest": None, "older": None} | facts
    return render("suppression.html", request, entries=entries, now=state.clock(), **shown)


def _form_page(
    request: Request, state: AppState, typed: Mapping[str, str], faults: Mapping[str, str] | None = None
) -> str:
    blank = {"number": "", "country": "", "reason": "", "account": "", "until": ""}
    accounts = sorted(state.settings.accounts)
    facts = {"typed": blank | dict(typed), "faults": faults or {}, "accounts": accounts}
    return render("suppression-add.html", request, **facts)


def _entry_page(request: Request, state: AppState, entry_id: int, number: str = "", fault: str = "") -> str:
    entry = suppression_list.entry_by_id(state.ledger, entry_id)
    return render(
        "suppression-entry.html",
        request,
        entry=entry,
        entry_id=entry_id,
        number=number,
        fault=fault,
        now=state.clock(),
    )


def _notice(done: str | None) -> str | None:
    words = {
        "added": gettext("The number is on the list: nobody calls it."),
        "known": gettext("The number was on the list already, for as long."),
        "removed": gettext("The entry is off the list."),
    }
    return words.get(done or "")
