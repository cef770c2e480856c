"""Help in place: what each status and each reason means, and what the keyboard can do."""

from __future__ import annotations

from fastapi import Request

from campaigns.lifecycle import FINAL_CONTACTS, OPEN_CONTACTS
from campaigns.operations.people import Role
from campaigns.reporting.glossary.help import CALLS, CAMPAIGNS, HOLDS
from campaigns.reporting.glossary.labels import MEANINGS
from console.pages.rendering import render
from console.server.page_route import for_role, page_router

router = page_router()


@router.get("/help", **for_role(Role.VIEWER))
def show_help(request: Request) -> str:
    """Every word that pages show for where a campaign, a person or a call is, each with a sentence."""
    contacts = {status: MEANINGS[status] for status in (*FINAL_CONTACTS, *OPEN_CONTACTS)}
    return render("help.html", request, contacts=contacts, campaigns=CAMPAIGNS, calls=CALLS, holds=HOLDS)
