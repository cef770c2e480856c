"""Webex Connect (imiconnect before) as a provider: voice messages, whose outcome is learnt from its receipts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from dialer.calls import CallRequest, Outcome, Progress, Receipt
from dialer.deadline import utc_now
from dialer.http import HttpReply, HttpRequest
from dialer.providers.bounds import TALK_SECONDS, amount, instant
from dialer.providers.parsing import member, parsed, uuid_of, word
from dialer.providers.provider import CallStatus, Follows, Listing, PolicyRow, ScriptFault
from dialer.providers.rules import about_another, is_page, not_offered, not_placing
from dialer.providers.webex.auth import headers_for
from dialer.providers.webex.content import TEXT_LIMIT, script_fault
from dialer.providers.webex.messages import VoiceMessage, examine
from dialer.providers.webex.notices import receipts_in
from dialer.providers.webex.rulings import fault_ruling, placing_ruling, rows
from dialer.providers.webex.settings import WebexSettings
from dialer.providers.webex.signature import signed
from dialer.providers.webex.words import CALL_STATUSES, RECEIPTS_ASKED, Event, folded
from dialer.scripts import Script
from dialer.verdicts import Ruling, Verdict

NO_MESSAGE = str(UUID(int=0))

Clock = Callable[[], datetime]


class Webex:
    """One service of a Webex Connect tenant, by its service key or by tokens signed with its secret."""

    follows = Follows.RECEIPTS
    cannot = frozenset({"ring_timeout", "dtmf", "direction", "call"})
    text_limit: int | None = TEXT_LIMIT

    def __init__(self, account: WebexSettings, now: Clock = utc_now) -> None:
        self.name: str = account.provider
        self._account = account
        self._url = f"{account.url}/v2/messages"
        self._now = now

    def check_script(self, script: Script) -> ScriptFault | None:
        return script_fault(script)

    def placing(self, call: CallRequest) -> HttpRequest:
        """Raises InvalidMessage. The API takes neither a ring timeout nor DTMF."""
        return self.sending(
            VoiceMessage(
                caller=call.caller_id.e164,
                to=call.to.e164,
                content=call.script,
                correlation_id=str(call.correlation_id),
                priority=call.priority,
                callback_data=call.callback_data,
                notify_url=call.notify_url,
                notify_url_auth_id=self._account.notify_auth_id if call.notify_url else None,
                requested_receipts=(*RECEIPTS_ASKED, *self._account.more_receipts),
                send_at=call.send_at,
            )
        )

    def sending(self, message: VoiceMessage) -> HttpRequest:
        """The request for a call. Raises InvalidMessage for a field that the document does not allow."""
        secure = self._url.startswith("https:")
        examine(message, provider=self.name, secure=secure, now=self._now())
        headers = {**self._headers(), "content-type": "application/json; charset=UTF-8"}
        return HttpRequest(method="POST", url=self._url, headers=headers, body=message.body(), places=True)

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

    def asking(self, provider_call_id: str) -> HttpRequest:
        return self._get(provider_call_id)

    def read_asking(self, reply: HttpReply, provider_call_id: str) -> CallStatus:
        """How one call stands. Its times say more than its status word; a 404 says nothing about the call."""
        body = parsed(reply.body)
        status, call_id = word(member(body, "status")), word(member(body, "messageId"))
        if not 200 <= reply.status < 300 or status is None:
            return CallStatus(ruling=_unknown_call(reply))
        if member(body, "messageId") is not None and call_id != provider_call_id:
            return CallStatus(ruling=about_another(self.name))
        answered_at, ended_at = instant(member(body, "answeredAt")), instant(member(body, "endedAt"))
        progress, outcome = _where(CALL_STATUSES.get(folded(status), (None, None)), answered_at, ended_at)
        return CallStatus(
            ruling=Ruling(verdict=Verdict.PLACED, provider_call_id=call_id, mnemonic=status),
            correlation_id=uuid_of(member(body, "correlationId")),
            progress=progress,
            outcome=outcome,
            answered_at=answered_at,
            ended_at=ended_at,
            talk_seconds=amount(member(body, "callDuration"), TALK_SECONDS),
        )

    def tracing(self, attempt_id: UUID) -> HttpRequest | None:
        return None

    def read_tracing(self, reply: HttpReply, attempt_id: UUID) -> Ruling:
        return not_offered(self.name, "be asked for the call of an attempt")

    def checking(self) -> HttpRequest:
        return self._get(NO_MESSAGE)

    def read_checking(self, reply: HttpReply) -> Ruling:
        """A 404 means that the key is good: only accounts that may ask are told that there is no such message.

        That of a web page means nothing, and neither does a page that comes with success.
        """
        if (reply.status == 404 or 200 <= reply.status < 300) and not is_page(reply):
            return Ruling(verdict=Verdict.PLACED)
        return not_placing(fault_ruling(reply))

    def genuine(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether a delivery is signed with the hub secret; without one, the secret in the URL must do."""
        secret = self._account.hub_secret
        return not secret or signed(body, headers, secret.get_secret_value().encode())

    def read_receipts(self, body: bytes, headers: Mapping[str, str]) -> Sequence[Receipt]:
        return receipts_in(body)

    def policy(self) -> Sequence[PolicyRow]:
        return list(rows())

    def _headers(self) -> dict[str, str]:
        return {**headers_for(self._account, self._now()), "accept": "application/json"}

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
