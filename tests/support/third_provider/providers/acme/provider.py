"""Acme as a provider: one call a request, followed by the events that it posts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from dialer.calls import CallRequest, Receipt
from dialer.http import HttpReply, HttpRequest
from dialer.providers.bounds import instant
from dialer.providers.parsing import member, parsed, uuid_of, word
from dialer.providers.provider import CallStatus, Follows, Listing, PolicyRow, ScriptFault
from dialer.providers.rules import WORDLESS, Rule, by_status, not_offered, not_placing, retry_after
from dialer.scripts import Recording, Script
from dialer.verdicts import Ruling, Verdict

from .settings import AcmeSettings
from .words import ERRORS, EVENTS, UNKNOWN_ERROR

TEXT_LIMIT = 1000


class Acme:
    """One account at Acme."""

    name = "acme"
    follows = Follows.RECEIPTS
    cannot = frozenset({"ring_timeout", "dtmf", "direction", "call", "priority", "callback_data", "send_at"})
    text_limit: int | None = TEXT_LIMIT

    def __init__(self, settings: AcmeSettings) -> None:
        self._url = settings.url
        self._key = settings.api_key

    def check_script(self, script: Script) -> ScriptFault | None:
        if isinstance(script, Recording):
            return None
        if not script.text.strip():
            return ScriptFault(code="characters", reason="the text is empty")
        if len(script.text) > TEXT_LIMIT:
            return ScriptFault(code="text_too_long", reason=f"acme speaks {TEXT_LIMIT} characters at most")
        return None

    # placing

    def placing(self, call: CallRequest) -> HttpRequest:
        script = {"play": call.script.media_id} if isinstance(call.script, Recording) else {"say": call.script.text}
        body = {"id": str(call.correlation_id), "to": call.to.e164, "from": call.caller_id.e164, **script}
        if call.notify_url:
            body["events_url"] = call.notify_url
        headers = {**self._headers(), "content-type": "application/json; charset=UTF-8"}
        content = json.dumps(body, ensure_ascii=False).encode()
        return HttpRequest(method="POST", url=f"{self._url}/calls", headers=headers, body=content, places=True)

    def read_placing(self, reply: HttpReply) -> Ruling:
        body = parsed(reply.body)
        call_id = word(member(body, "call"))
        if 200 <= reply.status < 300 and call_id:
            return Ruling(verdict=Verdict.PLACED, provider_call_id=call_id)
        error = word(member(body, "error"))
        return by_status(reply) if error is None else _ruling(error, reply)

    # there is no login: the key goes with every request

    def logging_in(self, now: datetime) -> HttpRequest | None:
        return None

    def read_login(self, reply: HttpReply) -> Ruling:
        return not_offered(self.name, "be logged in to")

    def forget_login(self) -> bool:
        return False

    # it lists no calls, and can be asked for none

    def looking(self) -> HttpRequest | None:
        return None

    def read_looking(self, reply: HttpReply) -> Listing:
        return Listing(ruling=not_offered(self.name, "list calls in progress"), usable=False)

    def asking(self, provider_call_id: str) -> HttpRequest | None:
        return None

    def read_asking(self, reply: HttpReply, provider_call_id: str) -> CallStatus:
        return CallStatus(ruling=not_offered(self.name, "be asked for one call"))

    def tracing(self, attempt_id: UUID) -> HttpRequest | None:
        return None

    def read_tracing(self, reply: HttpReply, attempt_id: UUID) -> Ruling:
        return not_offered(self.name, "be asked for the call of an attempt")

    def checking(self) -> HttpRequest:
        return HttpRequest(method="GET", url=f"{self._url}/account", headers=self._headers())

    def read_checking(self, reply: HttpReply) -> Ruling:
        return Ruling(verdict=Verdict.PLACED) if reply.status == 200 else not_placing(self.read_placing(reply))

    # receipts

    def genuine(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """It signs nothing: the secret in the URL must do."""
        return True

    def read_receipts(self, body: bytes, headers: Mapping[str, str]) -> Sequence[Receipt]:
        event = parsed(body)
        event_id, what = word(member(event, "event")), word(member(event, "what"))
        if event_id is None or what is None:
            return []
        progress, outcome = EVENTS.get(what, (None, None))
        return [
            Receipt(
                event_id=event_id,
                provider_call_id=word(member(event, "call")),
                correlation_id=uuid_of(member(event, "id")),
                word=what,
                code=None,
                progress=progress,
                outcome=outcome,
                occurred_at=instant(member(event, "at")),
            )
        ]

    def policy(self) -> Sequence[PolicyRow]:
        errors = [_row(error, "error", rule) for error, rule in ERRORS.items()]
        return [*errors, *(_row(f"http_{status}", str(status), rule) for status, rule in WORDLESS.items())]

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._key.get_secret_value() if self._key else ''}"}


def _ruling(error: str, reply: HttpReply) -> Ruling:
    rule = ERRORS.get(error, UNKNOWN_ERROR)
    wait = retry_after(reply)
    return Ruling(
        verdict=rule.verdict,
        mnemonic=error,
        code=str(reply.status),
        detail=rule.note,
        blames_script=rule.blames_script,
        retry_after=1.0 if wait is None and rule.verdict is Verdict.THROTTLED else wait,
    )


def _row(mnemonic: str, code: str, rule: Rule) -> PolicyRow:
    return PolicyRow(mnemonic=mnemonic, code=code, verdict=rule.verdict, note=rule.note)
