"""What the steps of a new campaign share: the draft, the way through them, and how faults are shown at their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData

from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.drafts.file_drafts import BeingRead, find
from campaigns.launch.guided import editing
from campaigns.launch.guided.editing import Changes, DraftInWork
from campaigns.lifecycle import ChangedMeanwhile
from console.pages.language import gettext
from console.pages.rendering import render
from console.pages.said import with_remedy
from console.server.state import AppState, InjectedState

MAX_FORM = 1 << 18  # a long text, and a choice for each of many columns


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the last part of its address, and its name."""

    path: str
    title: str


def steps() -> list[Step]:
    """The steps in their order, named in the reader's language."""
    return [
        Step("columns", gettext("List")),
        Step("message", gettext("Message")),
        Step("settings", gettext("Account and hours")),
        Step("check", gettext("Check")),
        Step("plan", gettext("Plan")),
        Step("start", gettext("Start")),
    ]


def draft_in_work(draft_id: str, state: InjectedState) -> DraftInWork:
    """The draft of the address; one that was started leads to its campaign. Raises NoSuchDraft."""
    draft = find(state.settings.data_dir, draft_id)
    if draft.started is not None:
        raise HTTPException(303, "this campaign was started", {"Location": f"/campaigns/{draft.started}"})
    return editing.opened(draft)


async def _form(request: Request) -> FormData:
    return await request.form()


InjectedWork = Annotated[DraftInWork, Depends(draft_in_work)]
InjectedForm = Annotated[FormData, Depends(_form)]


def text(form: FormData, name: str) -> str:
    """What was typed into a field, without blanks around it; NUL, which no store keeps, is left out."""
    value = form.get(name, "")  # browsers end lines by CRLF
    return value.replace("\x00", "").replace("\r\n", "\n").strip() if isinstance(value, str) else ""


def step_page(
    step: str, request: Request, work: DraftInWork, *, status: int = 200, every: float | None = None, **facts: Any
) -> HTMLResponse:
    """A step as a page. `faults` are by field; those under "" concern the whole step."""
    html = render(
        f"new/{step}.html",
        request,
        work=work,
        draft=work.draft,
        definition=work.definition,
        steps=steps(),
        step=step,
        campaign_file=work.text,
        every=every,
        **{"faults": {}, "typed": {}} | facts,
    )
    return HTMLResponse(html, status)


def go_to(step: str, work: DraftInWork) -> RedirectResponse:
    """The answer to a form that was carried out: the next page."""
    return RedirectResponse(f"/new/{work.draft.id}/{step}", 303)


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a form: the draft as it is now, and where it was refused, why."""

    work: DraftInWork
    faults: Mapping[str, str]
    status: int = 200


def save(state: AppState, work: DraftInWork, changes: Changes, seen: str, fields: Mapping[str, str]) -> Saved:
    """Change a draft by a form that was shown for the version `seen`. `fields` has the form's fields by their keys."""
    try:
        return Saved(editing.change(work.draft, changes, state.settings.accounts, seen=seen), {})
    except DefinitionFaults as exc:
        return Saved(work, by_field(exc, fields), 422)
    except ChangedMeanwhile as exc:
        return Saved(editing.opened(work.draft), {"": with_remedy(exc.message, exc.remedy)}, 409)
    except BeingRead:
        return Saved(work, {"": gettext("the list is being read just now: save again once the check is over")}, 409)


def touched(work: DraftInWork, shown: Changes, sent: Changes) -> Changes:
    """Of the changes that a form means, those to what it showed, and to what the draft lacks.

    The rest stays as the campaign file has it, also where the form cannot say all of it.
    """
    return {
        key: value
        for key, value in sent.items()
        if key.partition(".")[0] in work.missing or key not in shown or value != shown[key]
    }


def by_field(exc: DefinitionFaults, fields: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, by the form's fields; `fields` has them by keys of a campaign file, of which one may be a part."""
    faults: dict[str, str] = {}
    for fault in exc.faults:
        keys = [key for key in fields if fault.key == key or fault.key.startswith((f"{key}.", f"{key}["))]
        field = fields[max(keys, key=len)] if keys else ""
        words = with_remedy(fault.message, fault.suggestion)
        faults.setdefault(field, words if keys else f"{fault.key}: {words}")
    return faults
