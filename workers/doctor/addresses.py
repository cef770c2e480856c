"""The addresses of an installation: each account's API, the console, Flower, and where providers deliver receipts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from dialer.account import Account
from dialer.verdicts import Ruling, Verdict
from workers.doctor.findings import ClockReading, Finding, fail, ok, warn
from workers.doctor.web_probe import Answer, Unanswered, ask
from workers.settings import Settings
from workers.stack.info import running_stack
from workers.wiring import open_accounts

SOON = timedelta(days=14)
UNSURE = {Verdict.NOT_PLACED, Verdict.UNCONFIRMED, Verdict.THROTTLED}


def accounts(settings: Settings) -> Iterator[Finding | ClockReading]:
    """Each account's API: name, connection, TLS, answer, and then whether the account can log in. No call is placed."""
    if not settings.accounts:
        yield warn("accounts", "there are none", "add [accounts.NAME] to dialer.toml: docs/settings.md")
        return
    with open_accounts(settings) as opened:
        for account in opened.values():
            yield from _account(account)


def _account(account: Account) -> Iterator[Finding | ClockReading]:
    subject, settings = f"account {account.name}", account.settings
    try:
        answer = ask(settings.url)
    except Unanswered as exc:
        yield fail(subject, f"{settings.url}: {exc}", "correct base_url, or open the way there (firewall, DNS)")
        return
    if reading := answer.clock(account.name):
        yield reading
    if settings.credentials_missing:
        remedy = f"add it under [accounts.{account.name}] in dialer.toml"
        yield fail(subject, f"no {settings.credentials_missing}", remedy)
        return
    yield judged_account(subject, settings.url, answer, account.check())


def judged_account(subject: str, url: str, answer: Answer, ruling: Ruling) -> Finding:
    """What an account's API said when it was asked for a login, and for how long its certificate holds."""
    spoken = f"by {answer.tls}" if answer.tls else "without TLS"
    says = f"{urlsplit(url).netloc} answers {spoken}"
    if ruling.verdict in UNSURE:
        return warn(subject, f"{says}; its login could not be asked: {ruling.why}", "ask again in a minute")
    if ruling.verdict is not Verdict.PLACED:
        return fail(subject, f"{says}, and refuses the account: {ruling.why}", "correct its key, or ask the provider")
    if answer.expires and answer.expires - datetime.now(UTC) < SOON:
        return warn(subject, f"{says}; its certificate ends on {answer.expires:%d %b %Y}", "tell the provider")
    return ok(subject, f"{says}, logged in")


def console(settings: Settings) -> Iterator[Finding]:
    """Whether the console listens where it should."""
    yield _listener("console", settings.console.host, settings.console.port, "/readyz?need=ledger", settings)


def flower(settings: Settings) -> Iterator[Finding]:
    """Whether Flower does."""
    yield _listener("Flower", settings.flower.host, settings.flower.port, "/healthcheck", settings)


def _listener(subject: str, host: str, port: int, path: str, settings: Settings) -> Finding:
    place = f"{_reachable(host)}:{port}"
    try:
        answer = ask(f"http://{place}{path}", "GET")
    except Unanswered as exc:
        if str(exc).startswith("HTTP"):
            return _taken(subject, place, settings)
        if running_stack(settings.data_dir):
            return fail(subject, f"{place}: {exc}", f"see logs/{subject.lower()}.log in {settings.data_dir}")
        return warn(subject, f"nothing listens at {place}", "start it: dialer up; or look where it runs")
    return judged_listener(subject, place, answer, settings)


def judged_listener(subject: str, place: str, answer: Answer, settings: Settings) -> Finding:
    """Whether what answers there is ours, and well."""
    facts = _facts(answer.body)
    ours = "ready" in facts if subject == "console" else answer.body.strip() == b"OK"
    if not ours:
        return _taken(subject, place, settings)
    if answer.status != HTTPStatus.OK:
        missing = ", ".join(map(str, facts.get("missing") or [f"HTTP {answer.status}"]))
        return fail(subject, f"{place} answers, and is not ready: {missing}", "mend what is named above")
    return ok(subject, f"http://{place} answers")


def _taken(subject: str, place: str, settings: Settings) -> Finding:
    remedy = f"stop that program, or set {subject.lower()}.port"
    return fail(subject, f"another program answers at {place}", remedy)


def receipts(settings: Settings) -> Iterator[Finding]:
    """Whether what providers post to reaches this console, seen from here."""
    base = settings.console.public_url
    if not base:
        remedy = "set console.public_url to where providers reach the console"
        yield warn("receipts", "console.public_url is not set: no receipts come", remedy)
        return
    try:
        answer = ask(f"{base.rstrip('/')}/healthz", "GET")
    except Unanswered as exc:
        remedy = "correct console.public_url, or the proxy before the console"
        away = str(exc).startswith("TCP")
        finding = warn if away else fail
        yield finding("receipts", f"{base}: {exc}{', seen from this machine' if away else ''}", remedy)
        return
    yield judged_receipts(base, answer)


def judged_receipts(base: str, answer: Answer) -> Finding:
    """Whether the answer at the public address is the console's."""
    if answer.status != HTTPStatus.OK or _facts(answer.body).get("ok") is not True:
        says = f"{base} answers HTTP {answer.status}, and is not the console"
        return fail("receipts", says, "let the proxy there lead to the console, with its Host header")
    if answer.expires and answer.expires - datetime.now(UTC) < SOON:
        return warn("receipts", f"the certificate of {base} ends on {answer.expires:%d %b %Y}", "renew it")
    return ok("receipts", f"{base} leads to the console")


def _facts(body: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(body)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _reachable(host: str) -> str:
    """The host under which this machine reaches what listens at all its addresses."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  # it is replaced
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
