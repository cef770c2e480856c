"""The choice of a language in the footer of every page, kept in a cookie of the browser."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from campaigns.operations.people import Role
from console.pages.language import COOKIE, LANGUAGES
from console.server.page_route import for_role, page_router
from console.server.request_checks import own_page
from console.server.session_cookie import comes_by_https

A_YEAR = 365 * 24 * 3600  # seconds

router = page_router()


@router.post("/language", **for_role(Role.VIEWER))
def choose_language(request: Request, language: Annotated[str, Form()], back: Annotated[str, Form()] = "/") -> Response:
    """Keep the language, and show the page again on which it was chosen."""
    if language not in LANGUAGES:
        raise HTTPException(422, f"the console does not speak {language[:20]!r}")
    reply = RedirectResponse(own_page(back), 303)
    reply.set_cookie(COOKIE, language, max_age=A_YEAR, httponly=True, samesite="lax", secure=comes_by_https(request))
    return reply
