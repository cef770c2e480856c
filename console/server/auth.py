"""Who may come in: HTTP Basic for people and machines, and nothing that another site makes a browser send."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from console.server.body import TooLarge, read_body
from console.server.state import AppState, InjectedState, equal_in_constant_time

CHALLENGE = {"WWW-Authenticate": 'Basic realm="dialer", charset="UTF-8"'}
FORM_LIMIT = 4096
OWN_HEADER = "x-dialer"


async def require_password(request: Request, desk: InjectedState) -> None:
    """Let through only who knows the console's user and password."""
    user, password = _credentials(request.headers.get("authorization", ""))
    right_user = equal_in_constant_time(user, desk.settings.console.user)
    right_password = equal_in_constant_time(password, desk.password)
    if not (right_user and right_password):
        raise HTTPException(401, "the console asks for its user and password", CHALLENGE)


async def require_same_site(request: Request, desk: InjectedState) -> None:
    """Refuse what a page of another site makes a browser send; browsers tell, other clients say nothing of it."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in (None, "same-origin", "none") or (origin is not None and not _is_own_origin(origin, request, desk)):
        raise HTTPException(
            403, "this request comes from another site: behind a proxy, pass Host on or set console.public_url"
        )


async def require_json_or_header(request: Request) -> None:
    """Refuse what a mere form could send: a JSON content type or a header of ours shows that it is meant for us."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and OWN_HEADER not in request.headers:
        raise HTTPException(403, "a request that changes something needs Content-Type: application/json")


def form_token(desk: AppState, action: str, campaign_id: str) -> str:
    """What the form for this action carries; nobody without the password can make it."""
    words = f"console form\0{action}\0{campaign_id}".encode()
    return hmac.new(desk.password.encode(), words, hashlib.sha256).hexdigest()


async def require_form_token(action: str, campaign_id: str, request: Request, desk: InjectedState) -> None:
    """Refuse a form that is not one of ours for this action and campaign."""
    try:
        form = parse_qs((await read_body(request, FORM_LIMIT)).decode("utf-8", "replace"))
    except (TooLarge, ClientDisconnect, ValueError):
        form = {}
    if not equal_in_constant_time(form.get("token", [""])[0], form_token(desk, action, campaign_id)):
        raise HTTPException(403, "this form is not one of this console's: open the campaign and try again")


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(coded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return user, password


def _is_own_origin(origin: str, request: Request, desk: AppState) -> bool:
    """True for the address the browser asked, and for the public one (a proxy may have asked us by another)."""
    places = {request.headers.get("host", "").lower()}
    if desk.settings.console.public_url:
        places.add(urlsplit(desk.settings.console.public_url).netloc.lower())
    try:
        return urlsplit(origin).netloc.lower() in places - {""}
    except ValueError:
        return False
