"""The step "account and hours": who calls, with which number, when, how often again, how fast."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from campaigns.calendar.times import WEEKDAYS, parse_weekdays
from campaigns.calendar.zones import zone_names
from campaigns.definition import Definition
from campaigns.definition.column_names import comparable
from campaigns.launch.guided.earlier_lists import earlier_campaigns
from campaigns.launch.guided.editing import Changes, DraftInWork
from campaigns.operations.people import Role
from console.pages.language import gettext
from console.pages.new_campaign import country_hours
from console.pages.new_campaign.rows import places
from console.pages.new_campaign.steps import MAX_FORM, InjectedForm, InjectedWork, go_to, save, step_page, text, touched
from console.server.page_route import for_role, page_router
from console.server.state import AppState, InjectedState

ANY_HOUR = {"mon-sun": ["00:00-24:00"]}  # said on purpose, so that nobody is warned of it
OUTCOMES = ("busy", "no_answer", "rejected", "failed")
PLAIN = ("ring_timeout", "pace", "concurrency", "priority", "callback_data")
UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
FIELDS = {
    **{name: name for name in ("account", "caller_id", *PLAIN)},
    **{"caller_id.by": "caller_id_by", "caller_id.numbers": "caller_id", "caller_id.per_day": "caller_id_per_day"},
    **{f"schedule.{name}": name for name in ("zone", "holidays", "start", "end")},
    **{"schedule.windows": "windows", "schedule.before": "before_at", "schedule": "zone"},
    **{f"retry.{name}": name for name in ("max_attempts", *OUTCOMES)},
    **{
        "limits": "day_calls",
        "canary": "canary_contacts",
        "canary.reached": "canary_reached",
        "frequency": "per_number",
    },
}

router = page_router(max_body=MAX_FORM)


@router.get("/new/{draft_id}/settings", **for_role(Role.EDITOR))
def settings_page(request: Request, work: InjectedWork, state: InjectedState) -> HTMLResponse:
    """The settings as they are, or as they are proposed."""
    return _page(request, work, state, _written(work), {})


@router.post("/new/{draft_id}/settings", **for_role(Role.EDITOR))
def save_settings(request: Request, work: InjectedWork, form: InjectedForm, state: InjectedState) -> Response:
    """Keep the settings."""
    typed = {name: text(form, name) for name in form}
    if not any(_hours(typed).values()) and "any_hour" not in typed:
        fault = gettext("write some hours, or say that people may be called at any hour, also at night")
        return _page(request, work, state, typed, {"windows": fault}, 422)
    if faults := country_hours.faults(typed):
        return _page(request, work, state, typed, faults, 422)
    fields = FIELDS | country_hours.fields(typed)
    saved = save(state, work, _changes(work, typed), typed.get("seen", ""), fields)
    if saved.faults:
        return _page(request, saved.work, state, typed, saved.faults, saved.status)
    return go_to("check", work)


def _hours(typed: Mapping[str, str]) -> dict[str, str]:
    return {day: typed.get(f"hours-{day}", "") for day in WEEKDAYS}


def _changes(work: DraftInWork, typed: Mapping[str, str]) -> Changes:
    changes = dict(touched(work, _meant(_written(work)), _meant(typed)))
    if "account" in changes and "account" not in work.missing:
        changes |= {"accounts": None, "by_account": None, "return_after": None}  # they go with the account that was
    return changes


def _meant(typed: Mapping[str, str]) -> Changes:
    """What a form says, by the keys of a campaign file."""
    canary = typed.get("canary_contacts", "")
    changes: dict[str, object] = {name: typed.get(name, "") for name in ("account", *PLAIN)}
    changes["caller_id"] = _caller_ids(typed)
    changes |= {f"schedule.{name}": typed.get(name, "") for name in ("zone", "start", "end")}
    changes["schedule.windows"] = ANY_HOUR if "any_hour" in typed else windows(_hours(typed))
    changes[country_hours.KEY] = country_hours.meant(typed)
    changes["schedule.holidays"] = _parts(typed.get("holidays", ""))
    changes["retry.max_attempts"] = typed.get("max_attempts") or "1"
    changes |= {f"retry.{name}": _parts(typed.get(name, "")) for name in OUTCOMES}
    changes["retry.other_part_of_day"] = ["no_answer"] if "other_part_of_day" in typed else []
    changes["limits.day_calls"] = typed.get("day_calls", "")
    changes["frequency"] = {"per_number": _parts(typed.get("per_number", ""))}
    reminders = {"column": typed.get("before_column", ""), "at": _parts(typed.get("before_at", ""))}
    changes["schedule.before"] = reminders if any(reminders.values()) else None
    if canary:
        changes |= {"canary.contacts": canary, "canary.reached": _share(typed.get("canary_reached", ""))}
    else:
        changes["canary"] = None
    return changes


def windows(hours: Mapping[str, str]) -> dict[str, list[str]]:
    """Hours by weekday as `schedule.windows` has them: days in a row that have the same hours in one line."""
    grouped: list[tuple[str, str, str]] = []  # first day, last day, hours
    for day, written in hours.items():
        follows = grouped and WEEKDAYS.index(grouped[-1][1]) + 1 == WEEKDAYS.index(day)
        if written and follows and grouped[-1][2] == written:
            grouped[-1] = (grouped[-1][0], day, written)
        elif written:
            grouped.append((day, day, written))
    return {first if first == last else f"{first}-{last}": _parts(hours) for first, last, hours in grouped}


def _written(work: DraftInWork) -> dict[str, str]:
    """The draft's settings as they stand in the form."""
    definition, schedule, retry = work.definition, work.definition.schedule, work.definition.retry
    typed = {name: str(getattr(definition, name) or "") for name in ("account", *PLAIN) if name not in work.missing}
    if "caller_id" not in work.missing:
        pool = definition.caller_id
        typed |= {"caller_id": ", ".join(pool.numbers), "caller_id_per_day": str(pool.per_day or "")}
        typed |= {"by_region": "on"} if pool.by == "region" else {}
    if definition.ring_timeout == Definition.model_fields["ring_timeout"].default:
        typed["ring_timeout"] = ""  # which not every provider has
    typed |= {"zone": schedule.zone or "", "holidays": ", ".join(schedule.holidays)} | country_hours.written(schedule)
    for name, moment in (("start", schedule.start), ("end", schedule.end)):
        local = moment.astimezone(ZoneInfo(schedule.zone)) if moment and moment.tzinfo and schedule.zone else moment
        typed[name] = local.replace(tzinfo=None).isoformat("T", "minutes") if local else ""
    for days, hours in (schedule.windows or {}).items():
        for day in (WEEKDAYS[day] for day in parse_weekdays(days)):
            typed[f"hours-{day}"] = ", ".join(filter(None, (typed.get(f"hours-{day}"), *hours)))
    if schedule.windows == {day: tuple(hours) for day, hours in ANY_HOUR.items()}:
        typed = {name: value for name, value in typed.items() if not name.startswith("hours-")} | {"any_hour": "on"}
    if retry is not None:
        typed["max_attempts"] = str(retry.max_attempts)
        typed |= {name: ", ".join(map(duration, getattr(retry, name))) for name in OUTCOMES}
        typed |= {"other_part_of_day": "on"} if retry.other_part_of_day else {}
    if definition.limits and definition.limits.day_calls:
        typed["day_calls"] = str(definition.limits.day_calls)
    if definition.frequency:
        typed["per_number"] = ", ".join(definition.frequency.per_number)
    if before := schedule.before:
        named = (name for name in work.sample.names if comparable(name) == comparable(before.column))
        typed["before_column"] = next(named, before.column)
        typed["before_at"] = ", ".join(map(duration, before.at))
    if definition.canary:
        typed["canary_contacts"] = str(definition.canary.contacts)
        typed["canary_reached"] = f"{100 * definition.canary.reached:g}"
    return typed


def duration(length: timedelta) -> str:
    """A duration as a campaign file has it: 5m, 2h."""
    seconds = length.total_seconds()
    unit, size = next((unit, size) for unit, size in UNITS if seconds % size == 0 or size == 1)
    return f"{seconds / size:g}{unit}"


def _parts(typed: str) -> list[str]:
    return [part.strip() for part in typed.split(",") if part.strip()]


def _caller_ids(typed: Mapping[str, str]) -> object:
    """What `caller_id` is in the campaign file: one number, several, or these with a choice and a limit."""
    numbers = _parts(typed.get("caller_id", ""))
    beside = {"by": "region" if "by_region" in typed else "", "per_day": typed.get("caller_id_per_day", "")}
    if numbers and any(beside.values()):
        return {"numbers": numbers} | {name: value for name, value in beside.items() if value}
    return numbers if len(numbers) > 1 else "".join(numbers)


def _share(percent: str) -> str:
    """A share as the campaign file has it, from percent; what is no number is left for the definition to refuse."""
    try:
        return f"{float(percent.replace(',', '.')) / 100:g}" if percent else "0.5"
    except ValueError:
        return percent


def _page(
    request: Request,
    work: DraftInWork,
    state: AppState,
    typed: Mapping[str, str],
    faults: Mapping[str, str],
    status: int = 200,
) -> HTMLResponse:
    used = [", ".join(campaign.definition.caller_id.numbers) for campaign in earlier_campaigns(state.ledger)]
    facts: dict[str, Any] = {
        "accounts": state.settings.accounts,
        "caller_ids": list(dict.fromkeys(used)),
        "zones": sorted(zone_names()),
        "weekdays": list(zip(WEEKDAYS, _weekday_names(), strict=True)),
        "columns": work.sample.names,
        "country_rows": places(typed, *country_hours.ROW),
        "typed": typed,
        "faults": faults,
    }
    return step_page("settings", request, work, status=status, **facts)


def _weekday_names() -> list[str]:
    return [
        *(gettext("Monday"), gettext("Tuesday"), gettext("Wednesday"), gettext("Thursday"), gettext("Friday")),
        *(gettext("Saturday"), gettext("Sunday")),
    ]
