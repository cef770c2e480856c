"""Log-in at an OpenID Connect provider: code flow with PKCE; its claims say who somebody is, and with which roles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

import httpx
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from campaigns.operations.people import Role
from dialer.errors import DialerError
from workers.settings_sections import OidcSettings

SECONDS = 10.0  # for an answer of the provider
LEEWAY = 60  # seconds, between its clock and ours
SIGNED_BY = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]  # never by the client's secret, never by nothing
AGAIN = "log in again; if that does not help, an admin looks at the settings [oidc]"


class LogInRefused(DialerError):
    """The provider's answer lets nobody in."""


class ProviderAway(DialerError):
    """The provider does not answer as one does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A log-in that was begun in a browser, which keeps this meanwhile."""

    state: str
    nonce: str
    verifier: str
    back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who has logged in at the provider, and the roles that its claims give."""

    id: str
    name: str
    roles: tuple[Role, ...]


def begin(settings: OidcSettings, redirect_uri: str, back: str) -> tuple[str, Pending]:
    """Where to send the browser, and what it keeps until it comes back. Raises ProviderAway."""
    pending = Pending(state=generate_token(32), nonce=generate_token(32), verifier=generate_token(64), back=back)
    asked = {
        "redirect_uri": redirect_uri,
        "scope": " ".join(settings.scopes),
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": create_s256_code_challenge(pending.verifier),
        "code_challenge_method": "S256",
    }
    with _client() as http:
        endpoint = _metadata(http, settings)["authorization_endpoint"]
    return prepare_grant_uri(endpoint, client_id=settings.client_id, response_type="code", **asked), pending


def finish(
    settings: OidcSettings, answer: Mapping[str, str], pending: Pending | None, redirect_uri: str, now: datetime
) -> Identity:
    """Who came back. Raises LogInRefused for an answer that is not to this log-in, or lets nobody in; ProviderAway."""
    if error := answer.get("error"):
        raise LogInRefused(f"the log-in was refused where you came from: {_short(error)}", AGAIN)
    if pending is None or not answer.get("code") or answer.get("state") != pending.state:
        raise LogInRefused("this log-in was not begun in this browser, or too long ago", AGAIN)
    if answer.get("iss", settings.issuer) != settings.issuer:
        raise LogInRefused("the answer comes from another provider than the one of the settings", AGAIN)
    with _client() as http:
        metadata = _metadata(http, settings)
        tokens = _tokens(http, settings, metadata["token_endpoint"], answer["code"], pending, redirect_uri)
        keys = _fetch(http, metadata["jwks_uri"])
    return _identity(settings, _claims(settings, tokens, keys, pending, now))


def kept(pending: Pending) -> str:
    """What the browser keeps, as text."""
    return json.dumps(asdict(pending))


def kept_by(text: str) -> Pending | None:
    """What a browser has kept; None for anything else."""
    try:
        return Pending(**{name: str(value) for name, value in json.loads(text).items()})
    except (ValueError, TypeError, AttributeError):
        return None


def _metadata(http: httpx.Client, settings: OidcSettings) -> dict[str, str]:
    document = _fetch(http, f"{str(settings.issuer).rstrip('/')}/.well-known/openid-configuration")
    if document.get("issuer") != settings.issuer:
        remedy = "write into oidc.issuer exactly what the provider calls itself"
        raise ProviderAway(f"the provider calls itself {_short(document.get('issuer'))}, not {settings.issuer}", remedy)
    if lacking := [name for name in ("authorization_endpoint", "token_endpoint", "jwks_uri") if name not in document]:
        raise ProviderAway(f"the provider names no {lacking[0]}", "see that oidc.issuer is an OpenID Connect provider")
    return document


def _tokens(
    http: httpx.Client, settings: OidcSettings, url: str, code: str, pending: Pending, redirect_uri: str
) -> dict[str, Any]:
    secret = settings.client_secret.get_secret_value() if settings.client_secret else None
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": pending.verifier,
        **({} if secret else {"client_id": settings.client_id or ""}),
    }
    auth = httpx.BasicAuth(settings.client_id or "", secret) if secret else httpx.USE_CLIENT_DEFAULT
    return _answered(lambda: http.post(url, data=form, auth=auth))


def _claims(
    settings: OidcSettings, tokens: Mapping[str, Any], keys: dict[str, Any], pending: Pending, now: datetime
) -> CodeIDToken:
    expected = {"iss": {"value": settings.issuer}, "aud": {"value": settings.client_id}}
    facts = {"nonce": pending.nonce, "client_id": settings.client_id, "access_token": tokens.get("access_token")}
    try:
        token = jwt.decode(
            str(tokens.get("id_token", "")), KeySet.import_key_set(cast(Any, keys)), algorithms=SIGNED_BY
        )
        claims = CodeIDToken(token.claims, token.header, expected, facts)
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
    except Exception as exc:  # of two libraries, and of whatever a provider may send
        why = getattr(exc, "description", "") or getattr(exc, "error", "") or type(exc).__name__
        raise LogInRefused(f"the provider's word on who you are does not hold: {_short(why)}", AGAIN) from None
    return claims


def _identity(settings: OidcSettings, claims: Mapping[str, Any]) -> Identity:
    name = next((claims[key] for key in (settings.name_claim, "email", "sub") if claims.get(key)), "")
    given = _claim(claims, settings.roles_claim)
    words = {str(word) for word in (given if isinstance(given, list) else [given])}
    roles = tuple(role for role in Role if role in {settings.roles[word] for word in words & set(settings.roles)})
    if not roles:
        has = _short(", ".join(sorted(words))) if given is not None else "nothing"
        remedy = (
            "whoever keeps the accounts there gives you a group that has a role here, or an admin adds it to oidc.roles"
        )
        raise LogInRefused(f"you have no role here: {settings.roles_claim} says {has}", remedy)
    return Identity(id=f"{claims['iss']} {claims['sub']}", name=str(name), roles=roles)


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, or by a path into one: `realm_access.roles`."""
    value: Any = claims.get(path)
    if value is None and "." in path:
        value = claims
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _client() -> httpx.Client:
    return httpx.Client(timeout=SECONDS, follow_redirects=False)


def _fetch(http: httpx.Client, url: str) -> dict[str, Any]:
    return _answered(lambda: http.get(url))


def _answered(ask: Any) -> dict[str, Any]:
    try:
        reply: httpx.Response = ask()
        claims = reply.json() if reply.status_code == 200 else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:
        raise ProviderAway(f"the provider does not answer ({type(exc).__name__})", "try again in a minute") from None
    if not isinstance(claims, dict):
        remedy = "log in again; an admin sees that oidc.client_id and oidc.client_secret are right"
        raise ProviderAway(f"the provider answered {reply.status_code}: {_short(reply.text)}", remedy)
    return claims


def _short(text: object) -> str:
    return " ".join(str(text).split())[:120]
