"""The way to Flower, which shows the workers' tasks to admins: by the console's log-in."""

from __future__ import annotations

from fastapi import HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from campaigns.operations.people import Role
from console.pages.rendering import flower_url
from console.server.page_route import for_role, page_router
from console.server.state import InjectedState

router = page_router()


@router.get("/flower", **for_role(Role.ADMIN))
def to_flower(request: Request, state: InjectedState) -> Response:
    """Send the browser to Flower, where its session counts, too."""
    url = flower_url(state, request.url.hostname)
    if url is None:
        raise HTTPException(404, "Flower cannot be reached from here: it listens on the console's machine alone")
    return RedirectResponse(url, 303)
