"""The step "list": what each column is for, with its first values; the country of the numbers; the campaign's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from campaigns.audience.column_uses import ColumnUse
from campaigns.launch.guided.editing import Changes, DraftInWork
from campaigns.launch.guided.proposals import columns_for, uses_of
from campaigns.operations.people import Role
from console.pages.language import gettext
from console.pages.new_campaign.steps import MAX_FORM, InjectedForm, InjectedWork, go_to, save, step_page, text, touched
from console.server.page_route import for_role, page_router
from console.server.state import InjectedState

VALUES_SHOWN = 3
FIELDS = {"campaign": "campaign", "contacts.country": "country", "contacts.duplicates": "duplicates"}
FIELDS |= {"contacts.where": "where", "contacts.order": "order", "contacts": "use"}

router = page_router(max_body=MAX_FORM)


def uses() -> Mapping[str, str]:
    """What a column may be for, in the reader's language."""
    return {
        "": gettext("for the text only"),
        ColumnUse.PHONE: gettext("phone number"),
        ColumnUse.KEY: gettext("key in your own system"),
        ColumnUse.ZONE: gettext("time zone"),
        ColumnUse.COUNTRY: gettext("country of the number"),
        ColumnUse.LANGUAGE: gettext("language of the call"),
        ColumnUse.NOT_AFTER: gettext("never call after this moment"),
        ColumnUse.CONSENT: gettext("consent to be called"),
    }


@router.get("/new/{draft_id}/columns", **for_role(Role.EDITOR))
def columns_page(request: Request, work: InjectedWork) -> HTMLResponse:
    """What the columns are taken for."""
    return _page(request, work, _written(work), {})


@router.post("/new/{draft_id}/columns", **for_role(Role.EDITOR))
def save_columns(request: Request, work: InjectedWork, form: InjectedForm, state: InjectedState) -> Response:
    """Keep what the columns are for."""
    typed = {name: text(form, name) for name in form}
    chosen = list(_chosen(work, typed).values())
    faults: dict[str, str] = {}
    if twice := next((use for use in chosen if use is not ColumnUse.PHONE and chosen.count(use) > 1), None):
        faults["use"] = gettext("two columns are for the same: {use}").format(use=uses()[twice])
    if ColumnUse.PHONE not in chosen:
        faults["use"] = gettext("say which column holds the phone numbers")
    if faults:
        return _page(request, work, typed, faults, 422)
    changes = touched(work, _meant(work, _written(work)), _meant(work, typed))
    saved = save(state, work, changes, typed.get("seen", ""), FIELDS)
    if saved.faults:
        return _page(request, saved.work, typed, saved.faults, saved.status)
    return go_to("message", work)


def _chosen(work: DraftInWork, typed: Mapping[str, str]) -> dict[int, ColumnUse]:
    """What the form says that columns are for, by their places."""
    written = {place: typed.get(f"use-{place}", "") for place in range(len(work.sample.names))}
    return {place: ColumnUse(use) for place, use in written.items() if use in set(ColumnUse)}


def _meant(work: DraftInWork, typed: Mapping[str, str]) -> Changes:
    """What a form says, by the keys of a campaign file."""
    columns = columns_for(work.sample.names, _chosen(work, typed))
    return {f"contacts.{key}": value for key, value in columns.items()} | {
        "campaign": typed.get("campaign", ""),
        "contacts.country": typed.get("country", "").upper(),
        "contacts.duplicates": typed.get("duplicates", "refuse"),
        "contacts.where": typed.get("where", ""),
        "contacts.order": [column.strip() for column in typed.get("order", "").split(",") if column.strip()],
    }


def _written(work: DraftInWork) -> dict[str, str]:
    """What the columns are taken for, as it stands in the form."""
    contacts = work.definition.contacts
    return {f"use-{place}": use.value for place, use in uses_of(work.definition, work.sample.names).items()} | {
        "campaign": work.definition.campaign,
        "country": contacts.country or "",
        "duplicates": contacts.duplicates,
        "where": contacts.where or "",
        "order": ", ".join(contacts.order),
    }


def _page(
    request: Request, work: DraftInWork, typed: Mapping[str, str], faults: Mapping[str, str], status: int = 200
) -> HTMLResponse:
    sample = work.sample
    values = [sample.cells(index)[:VALUES_SHOWN] for index in range(len(sample.names))]
    columns = list(zip(sample.names, values, strict=True))
    facts: dict[str, Any] = {"columns": columns, "uses": uses(), "typed": typed, "faults": faults}
    return step_page("columns", request, work, status=status, **facts)
