"""Acts of a campaign's page beside pause and cancel: call the missed ones again, append rows, close it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import File, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from campaigns.audience.rejects import Reject
from campaigns.definition.sections.responses import STOP
from campaigns.launch.append import AppendResult, append, check_rows, open_for_append
from campaigns.launch.drafts.append_draft import GivenList, find_append
from campaigns.launch.drafts.file_drafts import FileDraft
from campaigns.launch.drafts.reading_notes import Purpose, note_of
from campaigns.launch.drafts.readings import stop_reading
from campaigns.launch.guided.rejected_rows import RejectedRow, first_rejected
from campaigns.launch.redial import OUTCOMES, WORDS, redial, redial_counts, refuse_unless_over
from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.operations.control import close
from campaigns.operations.people import Role
from campaigns.reporting.report import totals
from campaigns.reporting.status import campaign_summary
from console.list_readings import begin_long_append
from console.pages.language import gettext
from console.pages.readings import shown_reading
from console.pages.rendering import render
from console.pages.said import with_remedy
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import AppState, InjectedState
from dialer.errors import DialerError

CAMPAIGN = "/campaigns/{campaign_id}"
MAX_UPLOAD = 512 << 20  # as in the API
REJECTS_SHOWN = 100

router = page_router(max_body=MAX_UPLOAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendAnswer:
    """What became of a file whose rows were to be appended; `error` says why nothing was."""

    error: str = ""
    result: AppendResult | Mapping[str, Any] | None = None
    rejects: Sequence[Reject | RejectedRow] = ()
    bad_rows: int = 0


@router.get(f"{CAMPAIGN}/redial", **for_role(Role.SENDER))
def choose_redial(campaign_id: str, request: Request, state: InjectedState) -> str:
    """Whom a redial would call, by how their last call ended, and how many they are."""
    return _redial_page(request, state, campaign_id)


@router.post(f"{CAMPAIGN}/redial", response_model=None, **for_role(Role.SENDER))
def start_redial(
    campaign_id: str,
    request: Request,
    state: InjectedState,
    person: InjectedPerson,
    outcomes: Annotated[list[str] | None, Form()] = None,
    responses: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Start a new campaign over the contacts that were not reached, and show it."""
    if not outcomes and not responses:
        error = gettext("Choose whom to call again.")
        return HTMLResponse(_redial_page(request, state, campaign_id, error), 422)
    above = state.settings.console.second_person_above
    facts: dict[str, Any] = {"who": person.name, "now": state.clock(), "second_person_above": above}
    started = redial(state.ledger, campaign_id, outcomes or [], responses or [], **facts)
    return RedirectResponse(f"/campaigns/{started.id}", 303)


@router.get(f"{CAMPAIGN}/append", **for_role(Role.SENDER))
def choose_rows(campaign_id: str, request: Request, state: InjectedState) -> str:
    """Where a file of more contacts is chosen."""
    return _append_page(request, open_for_append(state.ledger, campaign_id), AppendAnswer())


@router.post(f"{CAMPAIGN}/append", response_model=None, **for_role(Role.SENDER))
def append_rows(
    campaign_id: str,
    request: Request,
    state: InjectedState,
    person: InjectedPerson,
    rows: Annotated[UploadFile | None, File()] = None,
    skip_rejects: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Append the rows of a file, checked as a start checks its list. Sent again, they change nothing."""
    campaign = open_for_append(state.ledger, campaign_id)
    if rows is None or not rows.filename:
        answer = AppendAnswer(error=gettext("Choose a file: CSV or XLSX."))
    else:
        given = GivenList(content=rows.file, name=rows.filename)
        if left := begin_long_append(campaign.id, given, state, person.name, skip_rejects=bool(skip_rejects)):
            return _to_append(left[0])
        answer = _append(state, campaign, given, bool(skip_rejects), person.name)
    return HTMLResponse(_append_page(request, campaign, answer), 422 if answer.error else 200)


@router.get(f"{CAMPAIGN}/append/{{append_id}}", **for_role(Role.SENDER))
def show_append(campaign_id: str, append_id: str, request: Request, state: InjectedState) -> str:
    """How far the append of a long list is, and what came of it."""
    draft = find_append(state.ledger, state.settings.data_dir, campaign_id, append_id)
    note = note_of(draft, Purpose.APPEND)
    answer = AppendAnswer(rejects=first_rejected(draft, REJECTS_SHOWN) if note.is_over else ())
    if note.fault is not None:
        answer = replace(answer, error=with_remedy(note.fault.message, note.fault.remedy))
    elif note.result is not None:
        answer = replace(answer, result=note.result, bad_rows=note.result["rejected"])
    with state.ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
    return _append_page(request, campaign, answer, append_id=append_id, **shown_reading(note, state))


@router.post(f"{CAMPAIGN}/append/{{append_id}}/stop", **for_role(Role.SENDER))
def stop_append(campaign_id: str, append_id: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Have the append of a long list stopped, and show what becomes of it."""
    draft = find_append(state.ledger, state.settings.data_dir, campaign_id, append_id)
    stop_reading(draft, Purpose.APPEND, who=person.name)
    return _to_append(draft)


@router.post(f"{CAMPAIGN}/close", **for_role(Role.SENDER))
def close_campaign(campaign_id: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Let a standing campaign take no more contacts: it finishes when all that it has are final."""
    campaign = close(state.ledger, campaign_id, who=person.name, now=state.clock())
    return RedirectResponse(f"/campaigns/{campaign.id}", 303)


def _redial_page(request: Request, state: AppState, campaign_id: str, error: str = "") -> str:
    now = state.clock()
    with state.ledger.reading() as db:
        refuse_unless_over(db, queries.campaign(db, campaign_id), now)
    summary = campaign_summary(state.ledger, campaign_id, now)
    counts = redial_counts(state.ledger, campaign_id)
    pressed = totals(state.ledger, campaign_id).responses
    asked_again = {response: count for response, count in pressed.items() if response != STOP}
    words = [word for word in WORDS if counts is None or counts.get(word)]
    chosen = [word.value for word in OUTCOMES]
    facts = {"summary": summary, "counts": counts, "choices": words, "chosen": chosen, "responses": asked_again}
    return render("redial.html", request, **facts, error=error)


def _append_page(request: Request, campaign: Campaign, answer: AppendAnswer, **facts: Any) -> str:
    shown = {"campaign": campaign, "answer": answer, "rejects": answer.rejects[:REJECTS_SHOWN], "note": None}
    return render("append.html", request, **shown | facts)


def _to_append(draft: FileDraft) -> Response:
    return RedirectResponse(f"/campaigns/{draft.appends_to}/append/{draft.id}", 303)


def _append(state: AppState, campaign: Campaign, given: GivenList, skip_rejects: bool, who: str) -> AppendAnswer:
    now = state.clock()
    try:
        with given.source() as source:
            checked = check_rows(state.ledger, campaign.id, source, state.settings.accounts, now=now)
            if checked.bad_rows and not skip_rejects:
                error = gettext("Some rows cannot be called. Nothing was appended.")
                return AppendAnswer(error=error, rejects=checked.rejects, bad_rows=checked.bad_rows)
            result = append(state.ledger, campaign.id, checked, who=who, now=now)
    except DialerError as exc:
        return AppendAnswer(error=with_remedy(exc.message, exc.remedy))
    return AppendAnswer(result=result, rejects=checked.rejects, bad_rows=checked.bad_rows)
