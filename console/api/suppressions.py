"""The suppression list: numbers that nobody calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from anyio import to_thread
from fastapi import HTTPException, Request
from pydantic import BaseModel, Field
from starlette.datastructures import UploadFile

from campaigns.launch.drafts.file_drafts import paths_left_out
from campaigns.ledger.numbers.suppressions import Suppression
from campaigns.operations import suppression_list
from campaigns.operations.api_tokens import Scope
from campaigns.operations.suppression_files import importing
from console.api.contacts import NumberGiven, phone_of
from console.api.rejected_rows import RejectedRow, rejected_row
from console.api.uploads import LIST_PART, MAX_UPLOAD, multipart_body, uploaded_file
from console.server.api_route import NO_NUL, InjectedCaller, api_router, needs
from console.server.auth import Caller
from console.server.cursors import After, Limit, Page, id_after, page_of
from console.server.moments import Moment
from console.server.state import AppState, InjectedState
from dialer.phone import is_country

router = api_router("suppressions")

REJECTS_SHOWN = 1000
NUMBERS_PART = LIST_PART | {"description": "CSV or XLSX with a column phone or number, or numbers only."}
UPLOAD = multipart_body(
    "SuppressionsUpload",
    {
        "list": NUMBERS_PART,
        "reason": {"type": "string", "maxLength": 200},
        "country": {"type": "string", "pattern": "^[A-Za-z]{2}$"},
    },
    ["list"],
)


class SuppressionEntry(BaseModel):
    """One entry of the list."""

    number: str = Field(description="Masked, unless the token has the scope `numbers`; `erased` after an erasure.")
    account: str = Field(description="Blank: every account.")
    reason: str
    source: str = Field(description="Who put it there.")
    added_at: datetime
    expires_at: datetime | None
    holds: bool = Field(description="False once it has expired.")


class OfAccount(NumberGiven):
    """A number, on the list of one account or of all."""

    account: str = Field("", max_length=100, description="Blank: the list of every account.")


class NewSuppression(OfAccount):
    """A number that is not to be called."""

    reason: str = Field("do not call", max_length=200, pattern=NO_NUL)
    expires_at: Moment | None = Field(None, description="Absent: for good.")


class Added(BaseModel):
    """What became of a new entry."""

    added: bool = Field(description="False: the number was on the list for as long already.")


class Imported(BaseModel):
    """What became of an uploaded list; of its rejects the first 1,000 are named."""

    added: int
    known: int = Field(description="On the list for as long already.")
    expired: int
    rejected: int
    rejects: list[RejectedRow]


class Removed(BaseModel):
    """What became of an entry."""

    removed: bool = Field(description="False: the number was not on this list.")
    remaining: int = Field(description="Entries of the number on the lists of other accounts.")


@router.get("/suppressions", **needs(Scope.SUPPRESSIONS))
def list_suppressions(
    state: InjectedState, caller: InjectedCaller, limit: Limit = 100, after: After = None
) -> Page[SuppressionEntry]:
    """The list, the newest entries first."""
    rows, now = suppression_list.entries_after(state.ledger, id_after(after), limit + 1), state.clock()
    return page_of(rows, limit, lambda row: _entry(row[1], caller, now), lambda row: (row[0],))


@router.post("/suppressions", **needs(Scope.SUPPRESSIONS))
def add_suppression(given: NewSuppression, state: InjectedState, caller: InjectedCaller) -> Added:
    """Put a number on the list: it holds before the next call, retries included."""
    number, now = phone_of(given), state.clock()
    if given.expires_at is not None and given.expires_at <= now:
        raise HTTPException(422, "expires_at: this moment has passed")
    added = suppression_list.add(
        state.ledger,
        number,
        reason=given.reason,
        who=caller.name,
        now=now,
        account=_account(given.account, state),
        expires_at=given.expires_at,
    )
    return Added(added=added)


@router.post("/suppressions/upload", **needs(Scope.SUPPRESSIONS, most_bytes=MAX_UPLOAD, **UPLOAD))
async def upload_suppressions(request: Request, state: InjectedState, caller: InjectedCaller) -> Imported:
    """Put a list of numbers on the list, as `dialer dnc import` does. Good rows go in; bad ones are named."""
    async with request.form(max_files=1, max_fields=3) as form:
        sent, reason, country = form.get("list"), form.get("reason", "do not call"), form.get("country")
        texts = isinstance(reason, str) and (country is None or isinstance(country, str))
        if set(form) - {"list", "reason", "country"} or not isinstance(sent, UploadFile) or not texts:
            raise HTTPException(422, "the parts are list (a file), reason and country, each once")
        return await to_thread.run_sync(_import, sent, str(reason)[:200], country, state, caller)


@router.post("/suppressions/search", **needs(Scope.SUPPRESSIONS))
def search_suppressions(given: NumberGiven, state: InjectedState, caller: InjectedCaller) -> Page[SuppressionEntry]:
    """All entries of a number, also expired ones."""
    entries, now = suppression_list.entries_of(state.ledger, phone_of(given)), state.clock()
    return Page(items=[_entry(entry, caller, now) for entry in entries], next=None)


@router.post("/suppressions/remove", **needs(Scope.SUPPRESSIONS))
def remove_suppression(given: OfAccount, state: InjectedState, caller: InjectedCaller) -> Removed:
    """Take a number off the list of an account, or of all; what other lists say of it stays."""
    number, account = phone_of(given), _account(given.account, state)
    removed = suppression_list.remove(state.ledger, number, who=caller.name, now=state.clock(), account=account)
    return Removed(removed=removed, remaining=len(suppression_list.entries_of(state.ledger, number)))


def _import(sent: UploadFile, reason: str, country: Any, state: AppState, caller: Caller) -> Imported:
    if "\0" in reason or not (country is None or is_country(country)):
        raise HTTPException(422, "reason and country: a line of text, and two letters")
    with uploaded_file(sent) as file, paths_left_out(file.parent):
        result = importing.import_file(
            state.ledger,
            file,
            country=country and country.upper(),
            reason=reason,
            who=caller.name,
            now=state.clock(),
        )
    first = result.rejects[:REJECTS_SHOWN]
    return Imported(
        added=result.added,
        known=result.known,
        expired=result.expired,
        rejected=len(result.rejects),
        rejects=[rejected_row(reject, caller) for reject in first],
    )


def _account(name: str, state: AppState) -> str:
    if name and name not in state.settings.accounts:
        raise HTTPException(422, f"account: there are {', '.join(sorted(state.settings.accounts)) or 'none'}")
    return name


def _entry(entry: Suppression, caller: Caller, now: datetime) -> SuppressionEntry:
    return SuppressionEntry(
        number=caller.shown(entry.phone),
        account=entry.account,
        reason=entry.reason,
        source=entry.source,
        added_at=entry.added_at,
        expires_at=entry.expires_at,
        holds=entry.holds(now),
    )
