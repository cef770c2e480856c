"""Authentication: passwords of people, tokens of programs, and protection from requests forged by other sites."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import Depends, HTTPException, Request

from campaigns.ledger.numbers.erasures import shown_number
from campaigns.ledger.store import LedgerUnavailable
from campaigns.operations import log_ins
from campaigns.operations.api_tokens import Scope
from campaigns.operations.people import Role, User, allows
from console.server.session_cookie import secret_of
from console.server.state import AppState, InjectedState
from workers.password_check import basic_credentials
from workers.session_cookie import lifetime

CHALLENGE = {"WWW-Authenticate": 'Basic realm="dialer", charset="UTF-8"'}
TOKEN_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="dialer", error="invalid_token"'}
OWN_HEADER = "x-dialer"
REFRESH = "x-refresh"  # of an open page that refreshes itself
READING = {"GET", "HEAD"}
FORM_GRACE = timedelta(minutes=10)  # for a form that was being filled in when its person was to be asked for elsewhere
SCOPES: Mapping[Role, frozenset[Scope]] = {  # what a person with a role may do in the API
    Role.VIEWER: frozenset({Scope.READ, Scope.METRICS}),
    Role.EDITOR: frozenset({Scope.READ, Scope.METRICS, Scope.CAMPAIGNS, Scope.SUPPRESSIONS}),
    Role.SENDER: frozenset({Scope.READ, Scope.METRICS, Scope.SEND, Scope.CALLS}),
    Role.ADMIN: frozenset(Scope) - {Scope.NUMBERS},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A program with a token, or a person, who has roles. `name` is the one for the audit."""

    name: str
    scopes: frozenset[Scope]
    roles: frozenset[Role] = frozenset()
    form_key: str = field(default="", repr=False)  # known to this person's browser and to us
    session_id: int | None = None  # of whoever has logged in

    @property
    def is_person(self) -> bool:
        """Whether it is no program."""
        return bool(self.roles)

    def may(self, scope: Scope) -> bool:
        """Whether the caller has this scope; `admin` holds all but `numbers`."""
        return scope in self.scopes or (Scope.ADMIN in self.scopes and scope is not Scope.NUMBERS)

    def require(self, scope: Scope) -> None:
        """Refuse (403) a caller without this scope."""
        if not self.may(scope):
            refused = f"{self.name} may not do this: it needs the scope {scope}"
            raise HTTPException(403, refused if self.is_person else f"this token has no scope {scope}")

    def has_role(self, role: Role) -> bool:
        """Whether the person may do what this role allows: every role may look, and `admin` may do everything."""
        return allows(self.roles, role)

    def require_role(self, role: Role) -> None:
        """Refuse (403) a person without this role."""
        if not self.has_role(role):
            raise HTTPException(403, f"this needs the role {role}: {self.name} has {', '.join(self.roles) or 'none'}")

    def shown(self, phone: str) -> str:
        """A number of the ledger as this caller may see it."""
        return phone if self.may(Scope.NUMBERS) and phone.startswith("+") else shown_number(phone)


async def identify(request: Request) -> Caller:
    """The caller. Refuses (401) a request without a right password or token, (429) when too many were wrong lately."""
    state: AppState = request.app.state.state
    header, address = request.headers.get("authorization", ""), request.client.host if request.client else ""
    scheme, _, credentials = header.partition(" ")
    is_token = scheme.lower() == "bearer"
    name, password = basic_credentials(header)
    if header and (seconds := state.guard.seconds_to_wait(address, state.clock(), name)):
        await audit_guesses(state)
        raise HTTPException(429, "too many wrong passwords", {"Retry-After": str(seconds)})
    if not header and (caller := await _by_session(request, state)):
        return caller
    caller = await (_by_token(state, credentials.strip()) if is_token else _by_password(state, name, password))
    if caller is not None:
        state.guard.remember_right(address)
        return caller
    if header:
        state.guard.count_wrong(address, state.clock(), name)
        await audit_guesses(state)
    if is_token:
        raise HTTPException(401, "this token is not known, has ended, or was revoked", TOKEN_CHALLENGE)
    if is_browser(request):  # which would ask for a password in a window of its own
        raise HTTPException(401, "you are not logged in, or no longer")
    raise HTTPException(401, "the console asks for a user's name and password", CHALLENGE)


InjectedCaller = Annotated[Caller, Depends(identify)]


async def require_metrics(request: Request, state: InjectedState) -> None:
    """Refuse (403) a token without the scope `metrics`.

    While the ledger is away, who was allowed within the last hour is: that it is away stands in the metrics.
    """
    shown = hashlib.sha256(request.headers.get("authorization", "").encode("utf-8", "replace")).digest()
    began = state.scrapers.now()
    try:
        caller = await identify(request)
    except LedgerUnavailable:
        if not state.scrapers.get(shown):
            raise
        return
    caller.require(Scope.METRICS)
    if "authorization" in request.headers:
        state.scrapers.keep(shown, True, began)


async def _by_token(state: AppState, secret: str) -> Caller | None:
    now = state.clock()
    token = state.tokens.recent(secret, now)
    if token is None:
        token = await to_thread.run_sync(lambda: state.tokens.look_up(state.ledger, secret, now))
    return None if token is None else Caller(name=f"token {token.name}", scopes=frozenset(token.scopes))


async def user_by_password(state: AppState, name: str, password: str) -> User | None:
    """The user, unless disabled, if this is the password."""
    if not name or not password or not state.settings.console.local_log_in:
        return None
    return await to_thread.run_sync(state.passwords.user, state.ledger, name, password, limiter=state.password_threads)


async def _by_password(state: AppState, name: str, password: str) -> Caller | None:
    user = await user_by_password(state, name, password)
    return None if user is None else as_caller(user, form_key=user.password_hash or "")


async def _by_session(request: Request, state: AppState) -> Caller | None:
    secret = secret_of(request)
    if secret is None:
        return None
    find = partial(
        log_ins.session_of,
        *(state.ledger, secret),
        lifetime=lifetime(state.settings),
        now=state.clock(),
        by_hand=REFRESH not in request.headers,
        grace=timedelta(0) if request.method in READING else FORM_GRACE,
    )
    session = await to_thread.run_sync(find)
    return None if session is None else as_caller(session.user, form_key=secret, session_id=session.id)


def is_browser(request: Request) -> bool:
    """Whether a browser asks, and not a program."""
    return "sec-fetch-mode" in request.headers or "text/html" in request.headers.get("accept", "")


def as_caller(user: User, *, form_key: str, session_id: int | None = None) -> Caller:
    """A person as the console knows one: by their roles."""
    scopes = frozenset[Scope]().union(*(SCOPES[role] for role in user.roles))
    roles = frozenset(user.roles)
    return Caller(name=user.name, scopes=scopes, roles=roles, form_key=form_key, session_id=session_id)


async def audit_guesses(state: AppState) -> None:
    """Write wrong passwords to the audit, once a minute at most."""
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


def form_token(caller: Caller) -> str:
    """The token that this person's forms carry; another site can neither read nor compute it."""
    return hmac.new(caller.form_key.encode(), b"console form", hashlib.sha256).hexdigest()


def _is_own_origin(origin: str, request: Request, state: AppState) -> bool:
    """True for the address in the Host header, and for the public one (a proxy may have replaced Host)."""
    own_hosts = {request.headers.get("host", "").lower()}
    if state.settings.console.public_url:
        own_hosts.add(urlsplit(state.settings.console.public_url).netloc.lower())
    try:
        return urlsplit(origin).netloc.lower() in own_hosts - {""}
    except ValueError:
        return False
