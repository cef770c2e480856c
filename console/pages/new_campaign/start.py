"""The step "start": rehearse it, call oneself, start now or later."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from campaigns.launch import schedules
from campaigns.launch.call_test_number import call_test_number
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.draft_checks import CheckedList, checked_list
from campaigns.launch.drafts.file_drafts import AlreadyStarted, BeingRead, paths_left_out
from campaigns.launch.drafts.reading_notes import Purpose
from campaigns.launch.drafts.readings import is_long, stop_reading
from campaigns.launch.drafts.rehearsal_notes import NoRehearsal, RehearsalNote, ask_for_rehearsal, rehearsal_of
from campaigns.launch.guided import editing
from campaigns.launch.guided.editing import DraftInWork
from campaigns.launch.launch import CampaignNotEnded
from campaigns.operations.people import Role
from console.list_readings import begin_start
from console.pages.language import gettext
from console.pages.new_campaign.drafted_plan import drafted_plan, plan_at_hand
from console.pages.new_campaign.readings import reading_facts, reading_of
from console.pages.new_campaign.steps import InjectedForm, InjectedWork, go_to, save, step_page, text
from console.pages.readings import REFRESH_SECONDS
from console.pages.said import with_remedy
from console.preflight import check_login
from console.server.auth import Caller
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import AppState, InjectedState
from dialer.errors import DialerError
from dialer.phone import PhoneNumber, mask
from workers.rehearsal.beginning import beginning
from workers.rehearsal.rehearsal import DEFAULT_SEED

PATIENCE = 20.0  # seconds for which a second click waits for the first
FIELDS = {"schedule.start": "at", "schedule": "at"}

router = page_router()


@router.get("/new/{draft_id}/start", **for_role(Role.EDITOR))
def start_page(request: Request, work: InjectedWork, state: InjectedState, person: InjectedPerson) -> HTMLResponse:
    """What would be started, and the ways to do it."""
    return _page(request, work, state, person)


@router.post("/new/{draft_id}/start", **for_role(Role.SENDER))
def start(
    request: Request, work: InjectedWork, form: InjectedForm, state: InjectedState, person: InjectedPerson
) -> Response:
    """Start the campaign, once, however many ask; then show it, or how far a long list is until it has started."""
    typed = {name: text(form, name) for name in form}
    if faults := _not_confirmed(work, typed):
        return _page(request, work, state, person, typed, faults, 422)
    if typed.get("when") == "later":
        saved = save(state, work, {"schedule.start": typed.get("at", "")}, typed["seen"], FIELDS)
        if saved.faults or not typed.get("at"):
            faults = {**saved.faults} or {"at": gettext("write the day and the time")}
            return _page(request, saved.work, state, person, typed, faults, 422)
    return _done(request, work, state, person, typed, lambda: _start(work, state, person, typed))


@router.post("/new/{draft_id}/stop", **for_role(Role.SENDER))
def stop(work: InjectedWork, person: InjectedPerson) -> Response:
    """Have the start of a long list stopped, and show what becomes of it."""
    stop_reading(work.draft, Purpose.START, who=person.name)
    return go_to("start", work)


@router.post("/new/{draft_id}/rehearse", **for_role(Role.EDITOR))
def rehearse_draft(
    request: Request, work: InjectedWork, form: InjectedForm, state: InjectedState, person: InjectedPerson
) -> Response:
    """Ask for a rehearsal, which a worker carries out; once there was one, the next draws another run."""
    typed, earlier = {"begins": text(form, "begins")}, _rehearsal(work)
    try:
        begins = beginning(typed["begins"] or None, work.definition, state.clock())
        seed = earlier.seed + 1 if earlier else DEFAULT_SEED
        ask_for_rehearsal(work.draft, begins=begins, seed=seed, now=state.clock())
    except DialerError as exc:
        faults = {"rehearse": with_remedy(exc.message, exc.remedy)}
        return _page(request, work, state, person, typed, faults, 422)
    return go_to("start", work)


@router.post("/new/{draft_id}/test-call", **for_role(Role.SENDER))
def test_call(
    request: Request, work: InjectedWork, form: InjectedForm, state: InjectedState, person: InjectedPerson
) -> Response:
    """Call one of the settings' test numbers with what one contact would hear."""
    chosen, line = text(form, "number"), text(form, "line")
    numbers = [PhoneNumber(number) for number in state.settings.test_numbers]
    if not chosen.isdecimal() or int(chosen[:6]) >= len(numbers):
        return _page(request, work, state, person, {}, {"test": gettext("choose the number to call")}, 422)
    if line and not (line.isdecimal() and 0 < int(line[:12]) <= 2**31):
        return _page(request, work, state, person, {}, {"test": gettext("write the number of a line")}, 422)

    def call() -> str:
        with paths_left_out(work.draft.folder):
            check_login(work.definition.account, state.settings)
            return call_test_number(
                state.ledger,
                work.draft.file,
                state.settings.accounts,
                numbers[int(chosen)],
                test_numbers=set(numbers),
                line=int(line) if line else None,
                who=person.name,
                now=state.clock(),
            ).id

    return _done(request, work, state, person, {}, call, "test")


def _done(
    request: Request,
    work: DraftInWork,
    state: AppState,
    person: Caller,
    typed: Mapping[str, str],
    act: Callable[[], str | None],
    field: str = "",
) -> Response:
    """Do it and show the campaign that it made, if it did so yet; what refuses it is told at its field."""
    try:
        campaign_id = act()
        return RedirectResponse(f"/campaigns/{campaign_id}", 303) if campaign_id else go_to("start", work)
    except AlreadyStarted:
        started = file_drafts.find(state.settings.data_dir, work.draft.id).started
        return RedirectResponse(f"/campaigns/{started}", 303)
    except CampaignNotEnded as exc:
        words = gettext("%(campaign)s – wait for its end, or cancel it; or give this campaign another name")
        faults = {field: words % {"campaign": exc.message}}
    except DialerError as exc:
        faults = {field: with_remedy(exc.message, exc.remedy)}
    return _page(request, editing.opened(work.draft), state, person, typed, faults, 409)


def _start(work: DraftInWork, state: AppState, person: Caller, typed: Mapping[str, str]) -> str | None:
    """Start it; while another click does the same, wait for that. None: a worker starts it.

    Raises what `begin_start` raises.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            note = begin_start(work.draft, state, person.name, skip_rejects="skip" in typed)
        except BeingRead:
            if time.monotonic() > until:
                raise
        else:
            if note.result is not None:
                return str(note.result["campaign"])
            if is_long(work.draft) or time.monotonic() > until:
                return None
        time.sleep(0.2)


def _checked(work: DraftInWork) -> CheckedList | None:
    note = reading_of(work, Purpose.CHECK)
    return checked_list(note) if note else None


def _rehearsal(work: DraftInWork) -> RehearsalNote | None:
    with suppress(NoRehearsal):
        return rehearsal_of(work.draft)
    return None


def _beside_the_plan(note: RehearsalNote | None) -> list[tuple[str, list[Any], bool]]:
    """The figures of a rehearsal that is done: name; plan, range and rehearsal; whether it lies within the odds."""
    if note is None or note.facts is None:
        return []
    names = {"calls": gettext("Calls"), "reached": gettext("Reached"), "ends": gettext("End")}
    rows = []
    for compared in note.facts["beside_the_plan"]:
        values = [compared["planned"], *compared["between"], compared["rehearsed"]]
        shown = [datetime.fromisoformat(value) if isinstance(value, str) else value for value in values]
        rows.append((names[compared["figure"]], shown, compared["within"]))
    return rows


def _not_confirmed(work: DraftInWork, typed: Mapping[str, str]) -> dict[str, str]:
    """What the person has to look at before this is started."""
    checked = _checked(work)
    if typed.get("seen") != work.version:
        return {"": gettext("the draft has changed since this page was opened: look at it, and press the button again")}
    if checked is None:
        return {"": gettext("the list has to be checked first")}
    faults = {}
    if checked.bad and "skip" not in typed:
        faults["skip"] = gettext("say that the others are to be called without these rows, or correct the list")
    if checked.warnings and "warned" not in typed:
        faults["warned"] = gettext("say that you have read this")
    return faults


def _page(
    request: Request,
    work: DraftInWork,
    state: AppState,
    person: Caller,
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    checked, rehearsal = _checked(work), _rehearsal(work)
    plan = None
    with suppress(DialerError):
        plan = drafted_plan(plan_at_hand(work, state, person.name)) if checked else None
    start = reading_facts(reading_of(work, Purpose.START), state)
    accounts = state.settings.accounts
    by_name = {schedule.name: schedule for schedule in schedules.listed(state.ledger)}
    settings = accounts.get(work.definition.account)
    above = state.settings.console.second_person_above
    in_earnest = settings is not None and not settings.sandbox
    return step_page(
        "start",
        request,
        work,
        status=status,
        every=REFRESH_SECONDS if rehearsal and not rehearsal.is_over else start["every"],
        start=start,
        typed=typed or {},
        faults=faults or {},
        checked=checked,
        plan=plan,
        kept_days=work.definition.kept(state.settings.retention).days_of_contacts,
        account=settings,
        second_person=in_earnest and above is not None and checked is not None and checked.contacts > above,
        rehearsal=rehearsal,
        beside_the_plan=_beside_the_plan(rehearsal),
        trouble=rehearsal.trouble(state.clock()) if rehearsal else "",
        test_numbers=[mask(number) for number in state.settings.test_numbers],
        may_send=person.has_role(Role.SENDER),
        schedule=by_name.get(work.definition.campaign) if work.draft.scheduled else None,
    )
