"""A campaign launched again and again: by weekdays or a cron expression, its next runs shown before it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch import recurring, schedules
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.file_drafts import paths_left_out
from campaigns.launch.guided import editing
from campaigns.launch.guided.editing import Changes, DraftInWork
from campaigns.launch.schedules import NextRun
from campaigns.operations.people import Role
from console.pages.language import gettext
from console.pages.new_campaign.steps import InjectedForm, InjectedWork, by_field, go_to, save, step_page, text, touched
from console.pages.said import with_remedy
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import AppState, InjectedState
from dialer.errors import DialerError

RUNS_SHOWN = 5
DAYS = ("1", "2", "3", "4", "5", "6", "0")
FIELDS = {
    "schedule.repeat": "repeat",
    "schedule.holidays": "holidays",
    "schedule.end": "end",
    "schedule.missed": "missed",
    "schedule": "repeat",
}

router = page_router()


@router.get("/new/{draft_id}/repeat", **for_role(Role.SENDER))
def repeat_page(request: Request, work: InjectedWork, state: InjectedState) -> HTMLResponse:
    """The schedule as it is, with its next runs."""
    return _page(request, work, state, _written(work), schedules.runs_of(work.definition, state.clock(), RUNS_SHOWN))


@router.post("/new/{draft_id}/repeat", **for_role(Role.SENDER))
def repeat(
    request: Request, work: InjectedWork, form: InjectedForm, state: InjectedState, person: InjectedPerson
) -> Response:
    """Show when it would be launched, or launch it then from now on."""
    typed = {name: text(form, name) for name in form}
    changes = _changes(typed)
    if changes is None:
        faults = {"repeat": gettext("choose at least one day, and a time")}
        return _page(request, work, state, typed, [], {} if "preview" in typed else faults, 422)
    if "preview" in typed:
        return _preview(request, work, state, typed, changes)
    changes = touched(work, _changes(_written(work)) or {}, changes)
    saved = save(state, work, changes, typed.get("seen", ""), FIELDS)
    if saved.faults:
        return _page(request, saved.work, state, typed, [], saved.faults, saved.status)
    try:
        with paths_left_out(work.draft.folder):
            recurring.add(state.ledger, work.draft.file, state.settings.accounts, who=person.name, now=state.clock())
    except DialerError as exc:
        return _page(request, saved.work, state, typed, [], {"repeat": with_remedy(exc.message, exc.remedy)}, 422)
    file_drafts.keep_for_schedule(work.draft)
    return go_to("start", work)


def _preview(
    request: Request, work: DraftInWork, state: AppState, typed: Mapping[str, str], changes: Changes
) -> HTMLResponse:
    try:
        definition = editing.with_changes(work, changes, state.settings.accounts)
    except DefinitionFaults as exc:
        return _page(request, work, state, typed, [], by_field(exc, FIELDS), 422)
    runs = schedules.runs_of(definition, state.clock(), RUNS_SHOWN)
    return _page(request, work, state, typed, runs, asked=True)


def _changes(typed: Mapping[str, str]) -> Changes | None:
    """What was typed by the keys of a campaign file; None where days or time are missing."""
    cron = typed.get("cron", "") if typed.get("by") == "cron" else _of_weekdays(typed)
    if not cron:
        return None
    holidays = [part.strip() for part in typed.get("holidays", "").split(",") if part.strip()]
    return {
        "schedule.repeat": cron,
        "schedule.start": None,  # the repetition says when each begins
        "schedule.holidays": holidays,
        "schedule.end": typed.get("end", ""),
        "schedule.missed": "once" if typed.get("missed") == "once" else None,
    }


def _of_weekdays(typed: Mapping[str, str]) -> str:
    """Weekdays and a time as cron says them; blank where one of the two is missing."""
    days = [day for day in DAYS if f"day-{day}" in typed]
    hour, _, minute = typed.get("time", "").partition(":")
    if not days or not (hour.isdecimal() and minute[:2].isdecimal()):
        return ""
    return f"{int(minute[:2])} {int(hour)} * * {','.join(days)}"


def _written(work: DraftInWork) -> dict[str, str]:
    """The draft's schedule as it stands in the form."""
    schedule = work.definition.schedule
    typed = {"holidays": ", ".join(schedule.holidays), "missed": schedule.missed}
    if end := schedule.end:
        local = end.astimezone(ZoneInfo(schedule.zone)) if end.tzinfo and schedule.zone else end
        typed["end"] = local.replace(tzinfo=None).isoformat("T", "minutes")
    if schedule.repeat:
        typed |= {"by": "cron", "cron": schedule.repeat}
    return typed


def _page(
    request: Request,
    work: DraftInWork,
    state: AppState,
    typed: Mapping[str, str],
    runs: list[NextRun],
    faults: Mapping[str, str] | None = None,
    status: int = 200,
    *,
    asked: bool = False,
) -> HTMLResponse:
    facts: dict[str, Any] = {"typed": typed, "runs": runs, "faults": faults or {}, "asked": asked}
    return step_page("repeat", request, work, status=status, days=list(zip(DAYS, _names(), strict=True)), **facts)


def _names() -> list[str]:
    return [
        *(gettext("Monday"), gettext("Tuesday"), gettext("Wednesday"), gettext("Thursday"), gettext("Friday")),
        *(gettext("Saturday"), gettext("Sunday")),
    ]
