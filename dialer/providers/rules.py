"""Rules: one row of a provider's verdict table, and what a reply means that has no error of the provider's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime

from dialer.http import HttpReply
from dialer.providers import bounds
from dialer.providers.parsing import parsed, word
from dialer.verdicts import Ruling, Verdict


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a verdict table: what to do next, and a sentence for the operator.

    `name` is the provider's mnemonic or, where it has none, ours; `blames_script` says that the rule is about what
    would be said or played.
    """

    verdict: Verdict
    note: str
    code: str = ""
    name: str = ""
    blames_script: bool = False


UNNAMED = Rule(Verdict.UNCONFIRMED, "none of the API's answers")  # whatever was asked for may have been done

# Replies of a web server or gateway, not of the API. Only those after which surely no call was placed are listed.
WORDLESS: Mapping[int, Rule] = {
    301: Rule(Verdict.HALT_ACCOUNT, "the address redirects elsewhere: correct base_url"),
    307: Rule(Verdict.HALT_ACCOUNT, "the address redirects elsewhere: correct base_url"),
    308: Rule(Verdict.HALT_ACCOUNT, "the address redirects elsewhere: correct base_url"),
    401: Rule(Verdict.HALT_ACCOUNT, "the provider does not accept the account's credentials"),
    403: Rule(Verdict.HALT_ACCOUNT, "the provider denies access: check the credentials and the IP allow-list"),
    404: Rule(Verdict.HALT_ACCOUNT, "no API answers at this address: correct base_url"),
    405: Rule(Verdict.HALT_ACCOUNT, "no API answers at this address: correct base_url"),
    429: Rule(Verdict.THROTTLED, "too many requests"),
    503: Rule(Verdict.NOT_PLACED, "the provider is out of service for now"),
}


def by_status(reply: HttpReply, rules: Mapping[int, Rule] = WORDLESS) -> Ruling:
    """The ruling on a reply that is known by its HTTP status only.

    An UNCONFIRMED ruling has no mnemonic: a mnemonic would mean that the provider reported a failure.
    """
    rule = rules.get(reply.status, UNNAMED)
    wait = retry_after(reply)
    if rule.verdict is Verdict.THROTTLED and wait is None:
        wait = 1.0
    return Ruling(
        verdict=rule.verdict,
        mnemonic=None if rule.verdict is Verdict.UNCONFIRMED else f"http_{reply.status}",
        code=str(reply.status),
        detail=f"{_described(reply) if rule is UNNAMED else rule.note} (HTTP {reply.status})",
        retry_after=wait,
    )


def is_page(reply: HttpReply) -> bool:
    """Whether a web page came: no API of ours answers with one."""
    return reply.body.lstrip()[:1] == b"<" or "html" in reply.headers.get("content-type", "")


def _described(reply: HttpReply) -> str:
    """What came instead of an answer of the API's; of an address only the host, for the rest may hold a secret."""
    start = reply.body.lstrip()[:1]
    if 300 <= reply.status < 400:
        host = re.match(r"https?://(?:[^/@]*@)?([\w.-]+)", word(reply.headers.get("location")) or "")
        what = f"a redirect to {host[1]}" if host else "a redirect"
    elif not start:
        return "the answer is empty"
    elif is_page(reply):
        what = "an HTML page"
    else:
        what = "no JSON" if parsed(reply.body) is None else "JSON of another kind"
    return f"the answer is {what}, {UNNAMED.note}"


def retry_after(reply: HttpReply) -> float | None:
    """Seconds of the Retry-After header, given as seconds or as a date (reckoned from the reply's own Date).

    An hour at most: nobody is put off for longer by it.
    """
    given = reply.headers.get("retry-after", "").strip()
    until = _moment(given)
    since = until and _moment(reply.headers.get("date", ""))
    if until and since and (until.tzinfo is None) is (since.tzinfo is None):
        return bounds.amount((until - since).total_seconds(), bounds.RETRY_AFTER)
    return bounds.amount(given, bounds.RETRY_AFTER)


def _moment(header: str) -> datetime | None:
    """The moment that a header gives as a date."""
    try:
        return parsedate_to_datetime(header) if "," in header else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def not_placing(ruling: Ruling) -> Ruling:
    """The ruling on a request that could not have placed a call: then nothing is unconfirmed about it."""
    return replace(ruling, verdict=Verdict.NOT_PLACED) if ruling.verdict is Verdict.UNCONFIRMED else ruling


def not_offered(provider: str, what: str) -> Ruling:
    """The ruling when the provider lacks this request."""
    return Ruling(verdict=Verdict.NOT_PLACED, mnemonic="not_offered", detail=f"{provider} cannot {what}")


def about_another(provider: str) -> Ruling:
    """The ruling on a reply about another call than was asked for: it says nothing about this one."""
    return Ruling(
        verdict=Verdict.NOT_PLACED, mnemonic="about_another", detail=f"{provider} answered about another call"
    )
