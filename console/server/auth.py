"""Authentication: HTTP Basic for people and machines, and protection from requests forged by other sites."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

from anyio import to_thread
from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from console.server.body import TooLarge, read_body
from console.server.state import AppState, InjectedState, equal_in_constant_time

CHALLENGE = {"WWW-Authenticate": 'Basic realm="dialer", charset="UTF-8"'}
FORM_LIMIT = 4096
OWN_HEADER = "x-dialer"


async def require_password(request: Request, state: InjectedState) -> None:
    """Refuse (401) a request without the console's user and password; (429) when too many were wrong lately."""
    header, address = request.headers.get("authorization", ""), request.client.host if request.client else ""
    if header and (seconds := state.guard.seconds_to_wait(address, state.clock())):
        await _audit(state)
        raise HTTPException(429, "too many wrong passwords", {"Retry-After": str(seconds)})
    user, password = _credentials(header)
    right_user = equal_in_constant_time(user, state.settings.console.user)
    right_password = equal_in_constant_time(password, state.password)
    if right_user and right_password:
        state.guard.remember_right(address)
        return
    if header:
        state.guard.count_wrong(address, state.clock())
        await _audit(state)
    raise HTTPException(401, "the console asks for its user and password", CHALLENGE)


async def _audit(state: AppState) -> None:
    if state.guard.audit.is_due(state.clock()):
        await to_thread.run_sync(state.audit_counts)


async def require_same_site(request: Request, state: InjectedState) -> None:
    """Refuse (403) what a page of another site makes a browser send: browsers name the site, other clients do not."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in (None, "same-origin", "none") or (origin is not None and not _is_own_origin(origin, request, state)):
        raise HTTPException(
            403, "this request comes from another site: behind a proxy, pass Host on or set console.public_url"
        )


async def require_json_or_header(request: Request) -> None:
    """Refuse (415) what a form of another site could send: without a JSON content type and without our own header."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and OWN_HEADER not in request.headers:
        raise HTTPException(415, "a request that changes something needs Content-Type: application/json")


def form_token(state: AppState, action: str, campaign_id: str) -> str:
    """The token that the form for this action carries; it cannot be computed without the password."""
    text = f"console form\0{action}\0{campaign_id}".encode()
    return hmac.new(state.password.encode(), text, hashlib.sha256).hexdigest()


async def require_form_token(action: str, campaign_id: str, request: Request, state: InjectedState) -> None:
    """Refuse (403) a form without the token of this action and campaign."""
    try:
        form = parse_qs((await read_body(request, FORM_LIMIT)).decode("utf-8", "replace"))
    except (TooLarge, ClientDisconnect, ValueError):
        form = {}
    if not equal_in_constant_time(form.get("token", [""])[0], form_token(state, action, campaign_id)):
        raise HTTPException(403, "this form is not one of this console's: open the campaign and try again")


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return user, password


def _is_own_origin(origin: str, request: Request, state: AppState) -> bool:
    """True for the address in the Host header, and for the public one (a proxy may have replaced Host)."""
    own_hosts = {request.headers.get("host", "").lower()}
    if state.settings.console.public_url:
        own_hosts.add(urlsplit(state.settings.console.public_url).netloc.lower())
    try:
        return urlsplit(origin).netloc.lower() in own_hosts - {""}
    except ValueError:
        return False
