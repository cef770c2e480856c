"""The beginning of a new campaign: a list is uploaded, or an earlier one taken; drafts are taken up again."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.datastructures import FormData, UploadFile

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.definition.encodings import NoSuchEncoding, encoding_named
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.new_drafts import NoList, PutList
from campaigns.launch.guided import editing
from campaigns.launch.guided.earlier_lists import earlier_campaigns, earlier_definition, list_of
from campaigns.launch.guided.proposals import Habits
from campaigns.operations.people import Role
from console.pages.language import gettext
from console.pages.new_campaign.steps import InjectedForm, InjectedWork, text
from console.pages.rendering import render
from console.pages.said import with_remedy
from console.server.body import put_upload
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import AppState, InjectedState

MAX_UPLOAD = 512 << 20  # as in the API
FIELDS = ("like", "earlier", "name", "sheet", "encoding", "once")
TOKEN = re.compile(r"[0-9a-f]{12}")
REGION = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{4})?-([A-Z]{2})")

router = page_router(max_body=MAX_UPLOAD)

CampaignId = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]


@router.get("/new", **for_role(Role.EDITOR))
def begin_page(request: Request, state: InjectedState, like: CampaignId = "") -> HTMLResponse:
    """Where a new campaign begins, and the drafts that wait; `like` is a campaign to take the settings from."""
    return _page(request, state, {"like": like}, {})


@router.post("/new", **for_role(Role.EDITOR))
def begin(request: Request, form: InjectedForm, state: InjectedState, person: InjectedPerson) -> Response:
    """Keep the list, with a campaign proposed for it, and show what its columns were taken for."""
    typed = {name: text(form, name) for name in FIELDS}
    faults: dict[str, str] = {}
    put_list, list_name = _list(form, state, typed["earlier"], faults)
    try:
        typed["encoding"] and encoding_named(typed["encoding"])
    except NoSuchEncoding as exc:
        faults["encoding"] = with_remedy(str(exc), exc.suggestion)
    if put_list is None or faults:
        return _page(request, state, typed, faults, 422)
    try:
        draft = editing.begin(
            state.ledger,
            state.settings.data_dir,
            put_list,
            list_name=list_name,
            name=typed["name"],
            sheet=typed["sheet"] or None,
            encoding=typed["encoding"] or None,
            habits=_habits(request, state, typed["like"]),
            token=_token(form),
            who=person.name,
            now=state.clock(),
        )
    except BadContactsFile as exc:
        return _page(request, state, typed, {"list": with_remedy(exc.message, exc.remedy)}, 422)
    return RedirectResponse(f"/new/{draft.id}/columns", 303)


@router.post("/campaigns/{campaign_id}/draft", **for_role(Role.EDITOR))
def copy(
    campaign_id: str, request: Request, form: InjectedForm, state: InjectedState, person: InjectedPerson
) -> Response:
    """A draft with a campaign's people and settings; where nobody of it is kept, the page that asks for a list."""
    settings = earlier_definition(state.ledger, campaign_id)
    try:
        put_list = list_of(state.ledger, campaign_id)
    except NoList:
        return RedirectResponse(f"/new?like={quote(campaign_id)}", 303)
    draft = editing.begin(
        state.ledger,
        state.settings.data_dir,
        put_list,
        list_name=f"{settings.campaign}.csv",
        name=settings.campaign,
        habits=_habits(request, state, campaign_id),
        token=_token(form),
        who=person.name,
        now=state.clock(),
    )
    return RedirectResponse(f"/new/{draft.id}/columns", 303)


@router.post("/new/{draft_id}/remove", **for_role(Role.EDITOR))
def remove(work: InjectedWork, state: InjectedState, person: InjectedPerson) -> Response:
    """Remove a draft and its list, unless a schedule launches them."""
    if work.draft.scheduled:
        raise HTTPException(409, "a schedule launches this draft: remove the schedule first")
    file_drafts.remove(state.ledger, work.draft, who=person.name, now=state.clock())
    return RedirectResponse("/new", 303)


@router.get("/new/{draft_id}/campaign.yaml", **for_role(Role.EDITOR))
def download(work: InjectedWork) -> Response:
    """The campaign file, as `dialer check` takes it beside the list."""
    name = f"{work.definition.campaign}.yaml"
    return FileResponse(work.draft.file, media_type="application/yaml; charset=utf-8", filename=name)


def _page(
    request: Request, state: AppState, typed: dict[str, str], faults: dict[str, str], status: int = 200
) -> HTMLResponse:
    html = render(
        "new/begin.html",
        request,
        drafts=file_drafts.listed(state.settings.data_dir),
        earlier=earlier_campaigns(state.ledger),
        accounts=state.settings.accounts,
        typed=dict.fromkeys(FIELDS, "") | {"once": file_drafts.new_token()} | typed,
        faults=faults,
        every=None,
    )
    return HTMLResponse(html, status)


def _token(form: FormData) -> str:
    """What makes one draft of a form that is sent twice."""
    once = text(form, "once")
    return once if TOKEN.fullmatch(once) else file_drafts.new_token()


def _list(form: FormData, state: AppState, earlier: str, faults: dict[str, str]) -> tuple[PutList | None, str]:
    """What writes the chosen list, and the name of its file."""
    sent = form.get("list")
    if isinstance(sent, UploadFile) and sent.filename:
        return partial(put_upload, sent), Path(sent.filename.replace("\\", "/").replace("\x00", "")).name or "list.csv"
    if earlier:
        return list_of(state.ledger, earlier), f"{earlier}.csv"
    faults["list"] = gettext("choose a file with your list, or the list of an earlier campaign")
    return None, ""


def _habits(request: Request, state: AppState, like: str) -> Habits:
    """What is usual here, by the campaigns so far and by the reader's browser."""
    accounts = state.settings.accounts
    used = [campaign for campaign in earlier_campaigns(state.ledger) if campaign.account in accounts]
    languages = REGION.search(request.headers.get("accept-language", "")[:200])
    names = [*dict.fromkeys(campaign.account for campaign in used), *sorted(accounts)]
    return Habits(
        accounts=list(dict.fromkeys(names)),
        caller_id=next((campaign.definition.caller_id.written for campaign in used if campaign.is_readable), None),
        country=languages[1] if languages else None,
        like=earlier_definition(state.ledger, like) if like else None,
    )
