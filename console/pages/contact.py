"""One contact: its story, its whole number for those who may see it; withdraw, suppress, erase."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Form, Path, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from campaigns.calendar.zones import zones_of
from campaigns.ledger.lists.contacts import ContactRef
from campaigns.ledger.numbers.erasures import ERASED
from campaigns.lifecycle import CALLED_CONTACTS, FINAL_CONTACTS, WAITING_CONTACTS
from campaigns.operations import suppression_list
from campaigns.operations.contact_numbers import number_of, show_number
from campaigns.operations.erasure import erase
from campaigns.operations.file_erasure import erase_files
from campaigns.operations.people import Role
from campaigns.operations.retention.personal_data import export_person
from campaigns.operations.withdrawals import LONGEST_REASON, withdraw_contact
from campaigns.reporting.explain import AttemptLine, ContactExplanation, explain_one
from campaigns.reporting.overview.contact_search import others_with_its_number
from campaigns.reporting.receipt_history import ReceiptLine
from console.pages.language import gettext
from console.pages.rendering import render
from console.server.auth import Caller
from console.server.cursors import MAX_ID
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import AppState, InjectedState
from dialer.short_text import is_short_text

CONTACT = "/campaigns/{campaign_id}/contacts/{contact_id}"
CONFIRMATION = "erase"  # what is typed to confirm

router = page_router()

ContactId = Annotated[int, Path(ge=1, le=MAX_ID)]
Reason = Annotated[str, Form(max_length=1000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedCall:
    """One attempt, the time of it where the contact is, and what the provider told of it."""

    attempt: AttemptLine
    there: str
    receipts: Sequence[ReceiptLine]


@router.get(CONTACT, **for_role(Role.VIEWER))
def show_contact(
    campaign_id: str, contact_id: ContactId, request: Request, state: InjectedState, person: InjectedPerson
) -> str:
    """The contact's story: where it stands and why, each attempt, and what the provider told."""
    return _story(request, state, person, campaign_id, contact_id)


@router.post(f"{CONTACT}/number", **for_role(Role.EDITOR))
def show_whole_number(
    campaign_id: str, contact_id: ContactId, request: Request, state: InjectedState, person: InjectedPerson
) -> str:
    """The same with the whole number, on the answered page alone; the audit says who saw whose."""
    _require_contact(state, campaign_id, contact_id)
    number = show_number(state.ledger, contact_id, who=person.name, now=state.clock())
    return _story(request, state, person, campaign_id, contact_id, number=number)


@router.post(f"{CONTACT}/withdraw", **for_role(Role.EDITOR))
def withdraw(
    campaign_id: str, contact_id: ContactId, state: InjectedState, person: InjectedPerson, reason: Reason = ""
) -> Response:
    """Take it out of the campaign: it is not called from the answer on. Other campaigns may call it."""
    ref = ContactRef(contact_id=contact_id)
    withdraw_contact(state.ledger, campaign_id, ref, who=person.name, now=state.clock(), reason=reason)
    return _back(campaign_id, contact_id)


@router.post(f"{CONTACT}/suppress", response_model=None, **for_role(Role.EDITOR))
def suppress(
    campaign_id: str,
    contact_id: ContactId,
    request: Request,
    state: InjectedState,
    person: InjectedPerson,
    reason: Reason = "",
) -> Response:
    """Put its number on the suppression list, for every account and for good."""
    _require_contact(state, campaign_id, contact_id)
    reason = reason.strip()
    if not is_short_text(reason, LONGEST_REASON):
        error = gettext("Say why in one line of up to 200 characters.")
        errors = {"suppress": error, "typed": reason}
        return HTMLResponse(_story(request, state, person, campaign_id, contact_id, errors=errors), 422)
    number = number_of(state.ledger, contact_id)
    suppression_list.add(state.ledger, number, reason=reason, who=person.name, now=state.clock())
    return _back(campaign_id, contact_id)


@router.post(f"{CONTACT}/erase", response_model=None, **for_role(Role.ADMIN))
def erase_person(
    campaign_id: str,
    contact_id: ContactId,
    request: Request,
    state: InjectedState,
    person: InjectedPerson,
    confirmation: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Remove what is known of the person, in every campaign, and never call the number again."""
    _require_contact(state, campaign_id, contact_id)
    if confirmation.strip().lower() != CONFIRMATION:
        error = gettext("Type the word erase to confirm. Nothing was erased.")
        return HTMLResponse(_story(request, state, person, campaign_id, contact_id, errors={"erase": error}), 422)
    number = number_of(state.ledger, contact_id)
    result = erase(state.ledger, number, who=person.name, now=state.clock())
    files = erase_files(state.ledger, number, state.settings.data_dir / "reports")
    return HTMLResponse(render("erased.html", request, campaign_id=campaign_id, result=result, files=files))


@router.post(f"{CONTACT}/export", response_model=None, **for_role(Role.ADMIN))
def export_held(campaign_id: str, contact_id: ContactId, state: InjectedState, person: InjectedPerson) -> Response:
    """All that is held about the person, as a file to hand over; the audit says who took it."""
    _require_contact(state, campaign_id, contact_id)
    number = number_of(state.ledger, contact_id)
    held = export_person(state.ledger, number, state.settings.data_dir, who=person.name, now=state.clock())
    headers = {"Content-Disposition": f'attachment; filename="person-{contact_id}.json"'}
    return Response(json.dumps(held, ensure_ascii=False, indent=2), media_type="application/json", headers=headers)


def _story(
    request: Request,
    state: AppState,
    person: Caller,
    campaign_id: str,
    contact_id: int,
    *,
    number: str = "",
    errors: Mapping[str, str] | None = None,
) -> str:
    ref = ContactRef(contact_id=contact_id)
    story = explain_one(state.ledger, campaign_id, ref, now=state.clock(), surroundings=state.surroundings)
    with state.ledger.reading() as db:
        others = others_with_its_number(db, contact_id)
    return render(
        "contact.html",
        request,
        story=story,
        calls=_calls(story),
        others=others,
        whole_number=number,
        errors={"suppress": "", "erase": "", "typed": ""} | dict(errors or {}),
        **_allowed(story, person),
    )


def _allowed(story: ContactExplanation, person: Caller) -> dict[str, Any]:
    """What this person may do with the contact as it stands."""
    edits, erased = person.has_role(Role.EDITOR), story.number == ERASED
    return {
        "is_final": story.status in FINAL_CONTACTS,
        "may_see_number": edits and not erased,
        "may_withdraw": edits and story.status in (*WAITING_CONTACTS, *CALLED_CONTACTS),
        "may_suppress": edits and not erased and not story.suppressions,
        "may_export": person.has_role(Role.ADMIN) and not erased,
        "may_erase": person.has_role(Role.ADMIN) and not erased,
    }


def _calls(story: ContactExplanation) -> list[TriedCall]:
    return [
        TriedCall(
            attempt=attempt,
            there=_clock_there(attempt.at, story.zone),
            receipts=[receipt for receipt in story.told if receipt.number == attempt.number],
        )
        for attempt in story.tried
    ]


def _clock_there(at: datetime, zone: str) -> str:
    return f"{at.astimezone(zones_of(zone)[0]):%H:%M}"


def _require_contact(state: AppState, campaign_id: str, contact_id: int) -> None:
    """Refuse (404) a contact that is not the campaign's."""
    explain_one(state.ledger, campaign_id, ContactRef(contact_id=contact_id), now=state.clock())


def _back(campaign_id: str, contact_id: int) -> Response:
    return RedirectResponse(f"/campaigns/{campaign_id}/contacts/{contact_id}", 303)
