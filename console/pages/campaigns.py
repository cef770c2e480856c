"""The pages: all campaigns, one campaign, and the question before one is cancelled. They work without JavaScript."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from campaigns.ledger import queries
from campaigns.lifecycle import CAMPAIGN_MOVES, FINAL_CONTACTS, LIVE_CAMPAIGNS, CampaignStatus, ContactStatus
from campaigns.operations.control import ACTIONS, Action
from campaigns.reporting.hold_reason import GOING, HoldKind
from campaigns.reporting.listings import campaigns_shown, latest_attempts, reasons, without_numbers
from campaigns.reporting.status import CampaignSummary, summarize_campaign
from console.formatting import percent
from console.server.auth import form_token, require_form_token, require_same_site
from console.server.state import AppState, InjectedState

ENDED_SHOWN = 20
ATTEMPTS_SHOWN = 50
REASONS_SHOWN = 8
REFRESH_SECONDS_LIVE, REFRESH_SECONDS_ENDED = 2, 15  # between two looks of an open page
ASSETS = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}
TARGET_STATUS = {
    Action.PAUSE: CampaignStatus.PAUSED,
    Action.RESUME: CampaignStatus.RUNNING,
    Action.CANCEL: CampaignStatus.CANCELLED,
}
OPEN_CONTACTS = (ContactStatus.PLACED, ContactStatus.DIALING, ContactStatus.CLAIMED, ContactStatus.PENDING)
BEING_CALLED = (ContactStatus.PLACED, ContactStatus.DIALING)

router = APIRouter(default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of a progress bar, in percent of the whole."""

    status: str
    start: float
    width: float
    count: int


@router.get("/")
def list_campaigns(request: Request, desk: InjectedState, ended: int = ENDED_SHOWN) -> str:
    """Campaigns that go on, and the newest that have ended."""
    now = desk.clock()
    with desk.ledger.reading() as db:
        standings = [summarize_campaign(db, one, now) for one in campaigns_shown(db, max(0, min(ended, 1000)))]
    return render("campaigns.html", request, standings=standings, every=_refresh_seconds(standings), now=now)


@router.get("/campaigns/{campaign_id}")
def show_campaign(campaign_id: str, request: Request, desk: InjectedState) -> str:
    """One campaign: how far it is, how its calls ended, its latest attempts, and what may be done with it."""
    now = desk.clock()
    with desk.ledger.reading() as db:
        one = summarize_campaign(db, queries.campaign(db, campaign_id), now)
        attempts = latest_attempts(db, one.campaign.id, ATTEMPTS_SHOWN)
        why_not = reasons(db, one.campaign.id, REASONS_SHOWN)
    allowed = [action for action in Action if _is_allowed(action, one.campaign.status)]
    tokens = {action: form_token(desk, action, one.campaign.id) for action in allowed}
    return render(
        "campaign.html",
        request,
        one=one,
        attempts=attempts,
        reasons=why_not,
        tokens=tokens,
        every=_refresh_seconds([one]),
        now=now,
    )


@router.get("/campaigns/{campaign_id}/cancel")
def confirm_cancel(campaign_id: str, request: Request, desk: InjectedState) -> str:
    """What cancelling means, and the button that does it."""
    now = desk.clock()
    with desk.ledger.reading() as db:
        one = summarize_campaign(db, queries.campaign(db, campaign_id), now)
    if not _is_allowed(Action.CANCEL, one.campaign.status):
        raise HTTPException(409, f"campaign {one.campaign.id} is {one.campaign.status}: there is nothing to cancel")
    token = form_token(desk, Action.CANCEL, one.campaign.id)
    return render("cancel.html", request, one=one, token=token, every=None, now=now)


@router.post(
    "/campaigns/{campaign_id}/{action}", dependencies=[Depends(require_same_site), Depends(require_form_token)]
)
def control_campaign(campaign_id: str, action: Action, desk: InjectedState) -> Response:
    """Do what a button says and show the campaign again."""
    campaign = ACTIONS[action](desk.ledger, campaign_id, who=desk.settings.console.user, now=desk.clock())
    return RedirectResponse(f"/campaigns/{campaign.id}", 303)


@router.get("/assets/{name}")
def asset(name: str) -> Response:
    """The style, the script and the icon, all our own."""
    if name not in ASSETS:
        raise HTTPException(404, "no such file")
    return Response(files("console").joinpath("templates", name).read_bytes(), media_type=ASSETS[name])


def render(template: str, request: Request, **facts: Any) -> str:
    """A page as HTML."""
    desk: AppState = request.app.state.desk
    return TEMPLATES.get_template(template).render(flower=flower_url(desk, request.url.hostname), **facts)


def flower_url(desk: AppState, asked: str | None) -> str | None:
    """Where this browser finds Flower; None when Flower listens where it cannot reach."""
    host, port = desk.settings.flower.host, desk.settings.flower.port
    if _has_address_kind(host, "is_unspecified"):
        host = asked or "localhost"
    elif _has_address_kind(host, "is_loopback") and not _has_address_kind(asked or "", "is_loopback"):
        return None
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _has_address_kind(host: str, kind: str) -> bool:
    try:
        return bool(getattr(ipaddress.ip_address(host), kind))
    except ValueError:
        return host == "localhost" and kind == "is_loopback"


def _is_allowed(action: Action, status: CampaignStatus) -> bool:
    if action is Action.RESUME and status is not CampaignStatus.PAUSED:
        return False
    return TARGET_STATUS[action] in CAMPAIGN_MOVES[status]


def _refresh_seconds(standings: Sequence[CampaignSummary]) -> int:
    going_on = any(one.campaign.status in LIVE_CAMPAIGNS for one in standings)
    return REFRESH_SECONDS_LIVE if going_on else REFRESH_SECONDS_ENDED


def segments(contacts: Mapping[ContactStatus, int]) -> list[Segment]:
    """The progress bar of these contacts: final ones from the left, those being called next to them."""
    total = sum(contacts.values())
    parts: list[Segment] = []
    start = 0.0
    for status in (*FINAL_CONTACTS, *BEING_CALLED):
        if count := contacts.get(status, 0):
            width = 100 * count / total
            parts.append(Segment(status=status.value, start=start, width=width, count=count))
            start += width
    return parts


def words(name: str) -> str:
    """A name of ours as people read it."""
    return name.replace("_", " ")


def activity(one: CampaignSummary) -> str:
    """The colour of what a campaign is doing: going, waiting, stopped, over."""
    match one.campaign.status:
        case CampaignStatus.FINISHED | CampaignStatus.CANCELLED:
            return "over"
        case CampaignStatus.PAUSED:
            return "stopped"
        case CampaignStatus.RUNNING if one.kind in GOING:
            return "going"
    return "stopped" if one.kind is HoldKind.NO_TICK else "waiting"


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "words": words,
        "mood": activity,
        "segments": segments,
        "percent": percent,
        "moment": _moment,
        "without_numbers": without_numbers,
    }
    made.globals |= {"final": FINAL_CONTACTS, "open_contacts": OPEN_CONTACTS}
    return made


TEMPLATES = _environment()
