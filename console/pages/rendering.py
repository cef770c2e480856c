"""Renders the templates: what every page has, and the filters by which templates show values of ours."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from campaigns.lifecycle import CALLED_CONTACTS, FINAL_CONTACTS, OPEN_CONTACTS, CampaignStatus, ContactStatus
from campaigns.operations.people import Role
from campaigns.reporting.glossary import label, meaning, plain
from campaigns.reporting.glossary.audit_events import FIRST_START, SCHEDULE
from campaigns.reporting.hold_reason import GOING, TROUBLES
from campaigns.reporting.listings import mask_numbers
from campaigns.reporting.status import CampaignSummary
from console.pages.language import LANGUAGES, gettext, language, ngettext
from console.pages.locale_formats import decimal, grouped, moment, share
from console.pages.said import said
from console.server.auth import Caller, form_token
from console.server.state import AppState
from dialer.phone import mask, mask_written
from workers.task_search import tasks_page

LONGEST_CELL = 80


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the menu, for those who have the role."""

    path: str
    title: str  # English, translated when it is shown
    role: Role = Role.VIEWER


SECTIONS = [
    Section("/", "Home"),
    Section("/new", "New campaign", Role.EDITOR),
    Section("/contacts", "Contacts"),
    Section("/calls", "Calls"),
    Section("/reports", "Reports"),
    Section("/schedules", "Schedules"),
    Section("/suppression", "Suppression list"),
    Section("/accounts", "Accounts"),
    Section("/audit", "Audit"),
    Section("/webhooks", "Webhooks", Role.ADMIN),
    Section("/people", "People", Role.ADMIN),
    Section("/tokens", "Tokens", Role.ADMIN),
]


def render(template: str, request: Request, **facts: Any) -> str:
    """A page as HTML."""
    state: AppState = request.app.state.state
    person: Caller | None = getattr(request.state, "caller", None)  # nobody, on the page of a refusal
    shared = {
        "flower": flower_url(state, request.url.hostname) if person and person.has_role(Role.ADMIN) else None,
        "person": person,
        "sections": [section for section in SECTIONS if person and person.has_role(section.role)],
        "here": request.url.path,
        "language": language(),
        "back": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "every": None,  # seconds between two refreshes of an open page; None: it does not change by itself
        "form_token": partial(_form_token, person),
    }
    return TEMPLATES.get_template(template).render(shared | facts)


def _form_token(person: Caller | None) -> Markup:
    """The hidden field that every form of a page carries; a page for nobody has no forms."""
    if person is None:
        return Markup()
    return Markup('<input type="hidden" name="token" value="{}">').format(form_token(person))


def flower_url(state: AppState, console_host: str | None) -> str | None:
    """Flower's address for a browser that reaches the console at this host; None when it cannot reach Flower."""
    if state.settings.flower.public_url:
        return f"{state.settings.flower.public_url.rstrip('/')}/"
    host, port = state.settings.flower.host, state.settings.flower.port
    if _has_address_kind(host, "is_unspecified"):
        host = console_host or "localhost"
    elif _has_address_kind(host, "is_loopback") and not _has_address_kind(console_host or "", "is_loopback"):
        return None
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _has_address_kind(host: str, property_name: str) -> bool:
    try:
        return bool(getattr(ipaddress.ip_address(host), property_name))
    except ValueError:
        return host == "localhost" and property_name == "is_loopback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of a progress bar: start and width in percent of the whole bar."""

    status: str
    start: float
    width: float
    count: int


def segments(contacts: Mapping[ContactStatus, int]) -> list[Segment]:
    """The progress bar of these contacts: final ones from the left, then those being called."""
    total = sum(contacts.values())
    parts: list[Segment] = []
    start = 0.0
    for status in (*FINAL_CONTACTS, *CALLED_CONTACTS):
        if count := contacts.get(status, 0):
            width = 100 * count / total
            parts.append(Segment(status=status.value, start=start, width=width, count=count))
            start += width
    return parts


def activity(summary: CampaignSummary) -> str:
    """What a campaign is doing, as a class of the style sheet: going, waiting, stopped, over."""
    match summary.campaign.status:
        case CampaignStatus.FINISHED | CampaignStatus.CANCELLED:
            return "over"
        case CampaignStatus.PAUSED:
            return "stopped"
        case CampaignStatus.RUNNING if summary.kind in GOING:
            return "going"
    return "stopped" if summary.kind in TROUBLES else "waiting"


def _plain(sentence: str | None) -> str:
    """A sentence of the ledger as a person says it, in the reader's language."""
    return said(plain(sentence or "", gettext, ngettext))


def _actor(name: str) -> str:
    """Who did something: a person's or a program's name as it is, what is neither in the reader's language."""
    before = SCHEDULE.partition("{")[0]
    if name.startswith(before):
        return gettext(SCHEDULE).format(name=name.removeprefix(before))
    return gettext(name) if name == FIRST_START else name


def _masked_cell(cell: str) -> str:
    """A cell of a list as a page shows it: cut, and what may be a phone number masked however it is written."""
    cut = cell if len(cell) <= LONGEST_CELL else f"{cell[:LONGEST_CELL]}…"
    return mask_written(cut)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("console"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "words": lambda name: gettext(label(name)),
        "plain": _plain,
        "clauses": lambda text: "; ".join(map(_plain, text.split("; "))),
        "activity": activity,
        "meaning": lambda status: gettext(meaning(status)),
        "segments": segments,
        "percent": share,
        "grouped": grouped,
        "decimal": decimal,
        "moment": moment,
        "without_numbers": mask_numbers,
        "masked": mask,
        "final_count": lambda contacts: sum(contacts.get(status, 0) for status in FINAL_CONTACTS),
        "masked_cell": _masked_cell,
        "said": said,
        "actor": _actor,
        "tasks_page": tasks_page,
    }
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals |= {"final": FINAL_CONTACTS, "open_contacts": OPEN_CONTACTS, "languages": LANGUAGES}
    return environment


TEMPLATES = _environment()
