"""The contacts of a campaign, and of all: by status and reason, and found by key, number or the last digits of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from campaigns.ledger import queries
from campaigns.ledger.tallies import contacts_by_status
from campaigns.lifecycle import FINAL_CONTACTS, OPEN_CONTACTS, ContactStatus
from campaigns.operations.people import Role
from campaigns.reporting.listings import ListedContact, masked_reasons
from campaigns.reporting.overview.contact_search import (
    MOST_FOUND,
    campaigns_with,
    contacts_ending_with,
    contacts_with_key,
    contacts_with_number,
    page_of_contacts,
)
from console.pages.language import gettext
from console.pages.rendering import render
from console.server.api_route import NO_NUL
from console.server.cursors import contact_after, cursor_of
from console.server.page_route import for_role, page_router
from console.server.state import AppState, InjectedState
from dialer.phone import BadPhoneNumber, is_ending, parse

SHOWN = 50
CAMPAIGNS_SHOWN = 200
REASONS_SHOWN = 30
LONGEST_SEARCH = 200
BETWEEN_DIGITS = re.compile(r"[\s()./-]+")

router = page_router()


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What somebody looks for, and what there is; `error` says what is wrong with it."""

    typed: str = ""
    hits: Sequence[ListedContact] = ()
    error: str = ""

    @property
    def many(self) -> bool:
        """Whether there may be more than are shown."""
        return len(self.hits) >= MOST_FOUND


@router.get("/campaigns/{campaign_id}/contacts", **for_role(Role.VIEWER))
def list_contacts(
    campaign_id: str,
    request: Request,
    state: InjectedState,
    status: ContactStatus | None = None,
    reason: Annotated[str, Query(max_length=LONGEST_SEARCH, pattern=NO_NUL)] = "",
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> str:
    """The campaign's contacts: those of one status and one reason, where asked for."""
    with state.ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        counts = contacts_by_status(db, campaign.id)
        reasons = masked_reasons(db, campaign.id, REASONS_SHOWN)
        page = page_of_contacts(db, campaign.id, limit=SHOWN, status=status, reason=reason, after=contact_after(after))
    return render(
        "contacts.html",
        request,
        campaign=campaign,
        counts=counts,
        reasons=[counted for counted in reasons if counted.status is status and counted.reason],
        page=page,
        next=page.after and cursor_of((page.after[0].value, page.after[1].isoformat(), page.after[2])),
        status=status,
        reason=reason,
        is_first=after is None,
        search=Search(),
    )


@router.get("/contacts", **for_role(Role.VIEWER))
def find_contacts(request: Request, state: InjectedState, status: ContactStatus | None = None) -> str:
    """The search over all campaigns; of one status, the campaigns that have such contacts, and how many."""
    return _all_contacts(request, state, Search(), status)


@router.post("/contacts/search", response_model=None, **for_role(Role.VIEWER))
def search_contacts(
    request: Request,
    state: InjectedState,
    search: Annotated[str, Form(max_length=LONGEST_SEARCH)] = "",
    campaign: Annotated[str, Form(max_length=LONGEST_SEARCH)] = "",
) -> Response:
    """What fits: where that is one contact, its page. What was typed stands in no address, which logs would keep."""
    result = _search(state, search, campaign or None)
    if len(result.hits) == 1:
        (contact,) = result.hits
        return RedirectResponse(f"/campaigns/{contact.campaign}/contacts/{contact.id}", 303)
    return HTMLResponse(_all_contacts(request, state, result, None, campaign), 422 if result.error else 200)


def _all_contacts(
    request: Request, state: AppState, search: Search, status: ContactStatus | None, campaign_id: str = ""
) -> str:
    with state.ledger.reading() as db:
        within = queries.campaign(db, campaign_id) if campaign_id else None
        per_campaign = campaigns_with(db, status, CAMPAIGNS_SHOWN) if status else []
    statuses = (*FINAL_CONTACTS, *OPEN_CONTACTS)
    return render(
        "find.html", request, search=search, status=status, statuses=statuses, per_campaign=per_campaign, within=within
    )


def _search(state: AppState, text: str, campaign_id: str | None) -> Search:
    typed = text.strip()
    digits = BETWEEN_DIGITS.sub("", typed)
    with state.ledger.reading() as db:
        within = queries.campaign(db, campaign_id).id if campaign_id else None
        if not typed:
            return Search(error=gettext("Write a number, its last digits, or a key."))
        if typed.startswith("+"):
            try:
                forms = state.ledger.forms(parse(typed).e164)
            except BadPhoneNumber as exc:
                return Search(typed=typed, error=f"{exc}. {exc.suggestion}".strip())
            return Search(typed=typed, hits=contacts_with_number(db, forms, within))
        hits = contacts_with_key(db, typed, within) if typed.isprintable() else []
        if is_ending(digits):
            known = {contact.id for contact in hits}
            ending = contacts_ending_with(db, digits.lstrip("0") if len(digits) > 7 else digits, within)
            hits += [contact for contact in ending if contact.id not in known]
    return Search(typed=typed, hits=hits)
