"""The step "message": a text with columns of the list, what the first contacts would hear, and what they may press."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from campaigns.audience.rejects import Reject
from campaigns.definition.column_names import template_name
from campaigns.definition.sections.responses import ENDS_REMINDERS
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.guided import editing
from campaigns.launch.guided.editing import Changes, DraftInWork
from campaigns.operations.people import Role
from console.pages.new_campaign import pressed_keys
from console.pages.new_campaign.rows import places
from console.pages.new_campaign.steps import (
    MAX_FORM,
    InjectedForm,
    InjectedWork,
    by_field,
    go_to,
    save,
    step_page,
    text,
    touched,
)
from console.pages.said import with_remedy
from console.server.page_route import for_role, page_router
from console.server.state import AppState, InjectedState
from dialer.phone import mentions

ROWS_PREVIEWED = 3
VOICE = ("language", "voice", "gender")
FIELDS = {"message.media": "media", "message.variants": "variants", "message.voice": "voice", "message": "tts"}

router = page_router(max_body=MAX_FORM)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardText:
    """What the contact in one line of the list would hear, or why it would not be called."""

    line: int
    text: str
    seconds: float
    has_number: bool = False
    fault: str = ""


@router.get("/new/{draft_id}/message", **for_role(Role.EDITOR))
def message_page(request: Request, work: InjectedWork, state: InjectedState) -> HTMLResponse:
    """The message as it is."""
    return _page(request, work, state, _written(work), {})


@router.post("/new/{draft_id}/message", **for_role(Role.EDITOR))
def save_message(request: Request, work: InjectedWork, form: InjectedForm, state: InjectedState) -> Response:
    """Keep the message; or only show how it would be heard, or put a column into it."""
    typed = {name: text(form, name) for name in form}
    if column := typed.get("insert"):
        typed["tts"] = f"{typed.get('tts', '')} {{{{ {column} }}}}".strip()
        return _page(request, work, state, typed, {})
    if "preview" in typed:
        return _page(request, work, state, typed, {})
    if faults := pressed_keys.faults(typed):
        return _page(request, work, state, typed, faults, 422)
    saved = save(state, work, _changes(work, typed), typed.get("seen", ""), _fields(typed))
    if saved.faults:
        return _page(request, saved.work, state, typed, saved.faults, saved.status)
    return go_to("settings", work)


def _fields(typed: Mapping[str, str]) -> dict[str, str]:
    return FIELDS | pressed_keys.fields(typed)


def _changes(work: DraftInWork, typed: Mapping[str, str]) -> Changes:
    return touched(work, _meant(work, _written(work)), _meant(work, typed))


def _meant(work: DraftInWork, typed: Mapping[str, str]) -> Changes:
    """What a form says, by the keys of a campaign file."""
    message, pressed = work.definition.message, pressed_keys.meant(work.definition, typed)
    if typed.get("kind") == "media":
        return {"message": {"media": typed.get("media", "")}, **pressed}
    voice = {**(message.voice if message else {}), **{name: typed.get(f"voice-{name}", "") for name in VOICE}}
    variants = {
        name: {"tts": typed.get(f"variant-{name}", ""), "weight": variant.weight}
        for name, variant in (message.variants or {} if message else {}).items()
    }
    said: Changes = {"message.variants": variants} if variants else {"message.tts": typed.get("tts", "")}
    return {**said, "message.voice": voice, "message.media": None, **pressed}


def _written(work: DraftInWork) -> dict[str, str]:
    """The draft's message as it stands in the form."""
    message, pressed = work.definition.message, pressed_keys.written(work.definition)
    if message is None:
        return {"tts": "", "media": "", "kind": "tts", **pressed}
    typed = {
        "tts": (message.tts or "").strip(),
        "media": message.media or "",
        "kind": "media" if message.media else "tts",
    }
    typed |= {f"variant-{name}": variant.tts.strip() for name, variant in (message.variants or {}).items()}
    return typed | pressed | {f"voice-{name}": message.voice.get(name, "") for name in VOICE}


def _page(
    request: Request,
    work: DraftInWork,
    state: AppState,
    typed: Mapping[str, str],
    faults: Mapping[str, str],
    status: int = 200,
) -> HTMLResponse:
    heard, new_faults = _heard(work, state, typed)
    phones = {name.casefold() for name in work.definition.contacts.phone}
    variables = {template_name(name): name for name in work.sample.names if name.casefold() not in phones}
    variables.pop("", None)
    facts: dict[str, Any] = {"heard": heard, "variables": variables, "typed": typed, "faults": {**new_faults, **faults}}
    facts |= {"other_kind": pressed_keys.other_kind(work.definition), "meanings": sorted(ENDS_REMINDERS)}
    facts["response_rows"] = places(typed, *pressed_keys.ROW)
    return step_page("message", request, work, status=status, **facts)


def _heard(work: DraftInWork, state: AppState, typed: Mapping[str, str]) -> tuple[list[HeardText], dict[str, str]]:
    """What the first contacts would hear, and what is wrong with the message as it was typed."""
    accounts = state.settings.accounts
    try:
        definition = editing.with_changes(work, _changes(work, typed), accounts)
        audience = editing.audience_of_sample(definition, work, accounts)
    except DefinitionFaults as exc:
        return [], by_field(exc, _fields(typed))
    heard = []
    for row in audience.rows():
        if isinstance(row, Reject):
            if row.column == "message" or row.code in ("missing_variable", "text_too_long", "characters", "bad_text"):
                fault = with_remedy(row.reason, row.suggestion)
                heard.append(HeardText(line=row.line, text="", seconds=0, fault=fault))
        else:
            script = definition.script(row.text, row.voice)
            spoken = row.text or ""
            has_number = mentions(spoken, row.phone)
            heard.append(HeardText(line=row.line, text=spoken, seconds=script.seconds, has_number=has_number))
    return heard[:ROWS_PREVIEWED], {}
