"""The audit's page: who did what, to what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, HTTPException, Query, Request
from fastapi.responses import StreamingResponse

from campaigns.ledger.audit_chain.verifying import verify
from campaigns.operations.people import Role
from campaigns.reporting.audit_trail import AuditFilter, audit_after, audit_cells, people_and_events
from console.pages.days import typed_span
from console.pages.downloads import csv_download
from console.pages.rendering import render
from console.server.cursors import After, moment_and_row_after, page_of
from console.server.page_route import for_role, page_router
from console.server.state import InjectedState

LINES_SHOWN = 100
REFRESH_SECONDS = 15

router = page_router()

Word = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]


@dataclass(frozen=True, slots=True)
class AskedFor:
    """The filters as they were typed, and what they mean; `faults` are by field."""

    typed: dict[str, str]
    wanted: AuditFilter
    faults: dict[str, str]

    @property
    def given(self) -> dict[str, str]:
        """Those that are not blank."""
        return {name: value for name, value in self.typed.items() if value}


async def asked_for(
    campaign: Word = "", who: Word = "", event: Word = "", since: Word = "", until: Word = ""
) -> AskedFor:
    """The filters of the address; days are those of UTC, the last one included."""
    typed = {"campaign": campaign.strip(), "who": who.strip(), "event": event.strip(), "since": since, "until": until}
    faults: dict[str, str] = {}
    first, end = typed_span(typed, faults)
    wanted = AuditFilter(
        campaign=typed["campaign"] or None,
        who=typed["who"] or None,
        event=typed["event"] or None,
        since=first,
        until=end,
    )
    return AskedFor(typed, wanted, faults)


Asked = Annotated[AskedFor, Depends(asked_for)]


@router.get("/audit", **for_role(Role.VIEWER))
def show_audit(
    request: Request, state: InjectedState, asked: Asked, after: After = None, verified: bool = False
) -> str:
    """The lines that meet the filters, the latest first, a part at a time; on demand, whether all are as written."""
    start = moment_and_row_after(after)
    with state.ledger.reading() as db:
        lines = [] if asked.faults else audit_after(db, asked.wanted, limit=LINES_SHOWN + 1, after=start)
        people, events = people_and_events(db)
    page = page_of(lines, LINES_SHOWN, lambda line: line, lambda line: (line.at.isoformat(), line.id))
    return render(
        "audit.html",
        request,
        lines=page.items,
        people=people,
        events=events,
        asked=asked,
        export=f"/audit/export?{urlencode(asked.given)}",
        newest=f"/audit?{urlencode(asked.given)}" if after else None,
        older=f"/audit?{urlencode({**asked.given, 'after': page.next})}" if page.next else None,
        verification=verify(state.ledger) if verified else None,
        every=None if after or verified else REFRESH_SECONDS,
    )


@router.get("/audit/export", **for_role(Role.VIEWER))
def export_audit(state: InjectedState, asked: Asked) -> StreamingResponse:
    """The lines that meet the filters as a CSV file; numbers are masked in it as they are on the page."""
    for field, fault in asked.faults.items():
        raise HTTPException(422, f"{field}: {fault}")
    return csv_download("audit.csv", audit_cells(state.ledger, asked.wanted))
