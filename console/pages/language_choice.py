"""The choice of a language in the footer of every page, kept in a cookie of the browser."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from campaigns.operations.people import Role
from console.pages.language import COOKIE, LANGUAGES
from console.server.page_route import for_role, page_router

A_YEAR = 365 * 24 * 3600  # seconds
OWN_PAGE = re.compile(r"/(?![/\\])[^\\\s]*")

router = page_router()


@router.post("/language", **for_role(Role.VIEWER))
def choose_language(request: Request, language: Annotated[str, Form()], back: Annotated[str, Form()] = "/") -> Response:
    """Keep the language, and show the page again on which it was chosen."""
    if language not in LANGUAGES:
        raise HTTPException(422, f"the console does not speak {language[:20]!r}")
    reply = RedirectResponse(back if OWN_PAGE.fullmatch(back) else "/", 303)
    secure = request.url.scheme == "https"
    reply.set_cookie(COOKIE, language, max_age=A_YEAR, httponly=True, samesite="lax", secure=secure)
    return reply
