"""Webex Connect (imiconnect before) as a provider: voice messages, followed by the receipts it sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from dialer.accounts import AccountSettings
from dialer.calls import CallRequest, Outcome, Progress, Receipt, Script
from dialer.http import HttpReply, HttpRequest
from dialer.providers.provider import CallStatus, Follows, Listing, PolicyRow, ScriptFault
from dialer.providers.reading import instant, member, number, parsed, word
from dialer.providers.rules import not_offered, not_placing
from dialer.providers.webex.messages import TEXT_LIMIT, body_of, script_fault
from dialer.providers.webex.notices import receipts_in
from dialer.providers.webex.rulings import fault_ruling, placing_ruling, rows
from dialer.providers.webex.words import CALL_STATUSES, Event, folded
from dialer.verdicts import Ruling, Verdict

NO_MESSAGE = str(UUID(int=0))


class Webex:
    """One service of a Webex Connect tenant, by its service key."""

    follows = Follows.RECEIPTS
    cannot = frozenset({"ring_timeout", "dtmf", "direction"})
    text_limit: int | None = TEXT_LIMIT

    def __init__(self, account: AccountSettings) -> None:
        self.name: str = account.provider
        self._url = f"{account.url}/v2/messages"
        self._key = account.service_key

    def check_script(self, script: Script) -> ScriptFault | None:
        return script_fault(script)

    def placing(self, call: CallRequest) -> HttpRequest:
        headers = {**self._headers(), "content-type": "application/json; charset=UTF-8"}
        return HttpRequest(method="POST", url=self._url, headers=headers, body=body_of(call), places=True)

    def read_placing(self, reply: HttpReply) -> Ruling:
        return placing_ruling(reply)

    def logging_in(self, now: datetime) -> HttpRequest | None:
        return None

    def read_login(self, reply: HttpReply) -> Ruling:
        return not_offered(self.name, "be logged in to")

    def forget_login(self) -> bool:
        return False

    def looking(self) -> HttpRequest | None:
        return None

    def read_looking(self, reply: HttpReply) -> Listing:
        return Listing(ruling=not_offered(self.name, "list calls in progress"), usable=False)

    def asking(self, provider_call_id: str) -> HttpRequest | None:
        return self._get(provider_call_id)

    def read_asking(self, reply: HttpReply) -> CallStatus:
        """The word on one call. Its times say more than its status word; a 404 says nothing about the call."""
        body = parsed(reply.body)
        status = word(member(body, "status"))
        if not 200 <= reply.status < 300 or status is None:
            return CallStatus(ruling=_unknown_call(reply))
        answered_at, ended_at = instant(member(body, "answeredAt")), instant(member(body, "endedAt"))
        progress, outcome = _where(CALL_STATUSES.get(folded(status), (None, None)), answered_at, ended_at)
        return CallStatus(
            ruling=Ruling(verdict=Verdict.PLACED, provider_call_id=word(member(body, "messageId")), mnemonic=status),
            progress=progress,
            outcome=outcome,
            answered_at=answered_at,
            ended_at=ended_at,
            talk_seconds=number(member(body, "callDuration")),
        )

    def checking(self) -> HttpRequest:
        return self._get(NO_MESSAGE)

    def read_checking(self, reply: HttpReply) -> Ruling:
        """That there is no such message is said to those only who may ask."""
        if reply.status == 404 or 200 <= reply.status < 300:
            return Ruling(verdict=Verdict.PLACED)
        return not_placing(fault_ruling(reply))

    def read_receipts(self, body: bytes, headers: Mapping[str, str]) -> Sequence[Receipt]:
        return receipts_in(body)

    def policy(self) -> Sequence[PolicyRow]:
        return list(rows())

    def _headers(self) -> dict[str, str]:
        return {"key": self._key.get_secret_value() if self._key else "", "accept": "application/json"}

    def _get(self, call_id: str) -> HttpRequest:
        return HttpRequest(method="GET", url=f"{self._url}/{quote(call_id, safe='')}", headers=self._headers())


def _where(event: Event, answered_at: datetime | None, ended_at: datetime | None) -> Event:
    progress, outcome = event
    answered = answered_at is not None or progress is Progress.ANSWERED
    if progress is Progress.ENDED or ended_at:
        return Progress.ENDED, Outcome.ANSWERED if answered else outcome
    return (Progress.ANSWERED, None) if answered else (progress, outcome)


def _unknown_call(reply: HttpReply) -> Ruling:
    if reply.status == 404:
        detail = "the provider knows no such call, or not yet"
        return Ruling(verdict=Verdict.NOT_PLACED, mnemonic="http_404", code="404", detail=detail)
    return not_placing(fault_ruling(reply))
