"""The cookie that holds a session: sent to this host alone, read by no script, over HTTPS where there is any."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request, Response

from campaigns.operations import log_ins
from campaigns.operations.people import User
from console.server.state import AppState
from workers.session_cookie import NAME, SECURE_NAME, lifetime


def secret_of(request: Request) -> str | None:
    """The session's secret that a browser shows. Over HTTPS only a cookie counts that was set over HTTPS."""
    return request.cookies.get(_name(request)) or None


def begin_session(request: Request, response: Response, user: User, *, elsewhere: bool = False) -> None:
    """Log a person in: a new secret, and the session that this browser had before is over.

    Who has logged in `elsewhere` is sent there again after a while. The browser keeps the secret for longer, by which
    it is known then: see `may_renew`.
    """
    state: AppState = request.app.state.state
    lasts = lifetime(state.settings, elsewhere=elsewhere)
    now, old_secret = state.clock(), secret_of(request)
    if old_secret:
        log_ins.end(state.ledger, old_secret, who=user.name, now=now)
    secret = log_ins.begin(state.ledger, user, seen_from=seen_from(request), lifetime=lasts, now=now)
    response.set_cookie(
        _name(request),
        secret,
        max_age=int(lifetime(state.settings).altogether.total_seconds()),
        path="/",
        secure=comes_by_https(request),
        httponly=True,
        samesite="lax",
    )


def end_session(request: Request, response: Response, who: str) -> None:
    """Log a person out in this browser."""
    state: AppState = request.app.state.state
    if secret := secret_of(request):
        log_ins.end(state.ledger, secret, who=who, now=state.clock())
    response.delete_cookie(_name(request), path="/", secure=comes_by_https(request), httponly=True, samesite="lax")


def may_renew(request: Request) -> bool:
    """Whether this browser's session has ended so that its person is to be asked for elsewhere, without a word."""
    state: AppState = request.app.state.state
    secret = secret_of(request)
    if secret is None or state.settings.oidc.issuer is None:
        return False
    return log_ins.may_renew(state.ledger, secret, lifetime=lifetime(state.settings), now=state.clock())


def seen_from(request: Request) -> str:
    """Address and browser, by which a person knows a session again."""
    address = request.client.host if request.client else "unknown"
    browser = request.headers.get("user-agent", "an unnamed browser")
    return "".join(letter if letter.isprintable() else "?" for letter in f"{address}, {browser}")


def comes_by_https(request: Request) -> bool:
    """Whether the browser speaks HTTPS with us: a proxy says so, or it asks for the host of an https public URL."""
    state: AppState = request.app.state.state
    public = urlsplit(state.settings.console.public_url or "")
    by_name = public.scheme == "https" and request.headers.get("host", "").lower() == public.netloc.lower()
    return request.url.scheme == "https" or by_name


def _name(request: Request) -> str:
    return SECURE_NAME if comes_by_https(request) else NAME
