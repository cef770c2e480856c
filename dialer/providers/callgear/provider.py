"""CallGear as a provider: informer calls, whose outcome is learnt by polling the calls in progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import SecretStr

from dialer.calls import CallRequest, ListedCall, Progress, Receipt
from dialer.deadline import utc_now
from dialer.http import HttpReply, HttpRequest
from dialer.providers.bounds import TEXT_LENGTH, UNIX_TIME, amount, whole
from dialer.providers.callgear import data_api, rpc
from dialer.providers.callgear.managing import list_calls, login_user, logout_user
from dialer.providers.callgear.notifications import receipts_in
from dialer.providers.callgear.operation import Operation
from dialer.providers.callgear.params import TOKEN, BadParameter, texts
from dialer.providers.callgear.placing import start
from dialer.providers.callgear.rulings import accepted, rows, ruling_of
from dialer.providers.callgear.settings import CallGearSettings
from dialer.providers.callgear.words import progress_of
from dialer.providers.parsing import member, tag_names, uuid_of, word
from dialer.providers.provider import CallStatus, Follows, Heard, Listing, Login, PolicyRow, ScriptFault
from dialer.providers.rules import about_another, not_offered, not_placing
from dialer.scripts import Recording, Script
from dialer.verdicts import Ruling

T = TypeVar("T")
RENEW_BEFORE = 60.0
_FURTHEST = (Progress.ANSWERED, Progress.RINGING, Progress.PLACED, Progress.ENDED)


class CallGear:
    """One CallGear account, by a permanent key or by login and password."""

    follows = Follows.LISTING
    cannot = frozenset({"priority", "callback_data", "send_at"})
    collects_keys = frozenset({"scenario", "vnumber"})  # a scenario may ask for a key, and tag the call by it

    def __init__(self, account: CallGearSettings, now: Callable[[], datetime] = utc_now) -> None:
        self.name: str = account.provider
        self._data_url = str(account.data_api_url).rstrip("/") if account.data_api_url else None
        self._now = now
        self._url = account.url
        self._key = account.access_token
        self._login = account.login or ""
        self._password = account.password or SecretStr("")
        self._token = account.access_token
        self._renew_at: float | None = None
        self._ends_at: float | None = None
        self._refused: SecretStr | None = None
        self._asked_at = 0.0
        self.text_limit: int | None = account.tts_limit

    def check_script(self, script: Script) -> ScriptFault | None:
        """Why the script cannot be spoken; only the provider knows how long a text may be."""
        if isinstance(script, Recording):
            if script.media_id.isascii() and script.media_id.isdigit():
                return None
            return ScriptFault(code="media", reason="the id of a media file here is a number")
        if not script.text.strip():
            return ScriptFault(code="characters", reason="the text is empty")
        if not script.text.isascii() and not _is_utf8(script.text):
            return ScriptFault(code="characters", reason="the text holds half a character", suggestion="save as UTF-8")
        if self.text_limit is not None and len(script.text) > self.text_limit:
            reason = f"the text has {len(script.text)} characters, and the account speaks {self.text_limit} at most"
            return ScriptFault(code="text_too_long", reason=reason, suggestion="shorten it")
        if script.voice:
            return ScriptFault(
                code="voice", reason="the provider has one voice and no choice", suggestion="remove voice"
            )
        return None

    def placing(self, call: CallRequest) -> HttpRequest:
        """The request that places a call. Raises BadParameter for what the document does not allow."""
        return self.request(start(call), request_id=str(call.correlation_id))

    def request(self, operation: Operation[Any], *, request_id: str | None = None) -> HttpRequest:
        """The request of any method, with the session key. Raises BadParameter for a text known to be too long."""
        method, params = operation.method, operation.params
        for field, text in texts(params):
            if self.text_limit is not None and len(text) > self.text_limit:
                wrong = f"has {len(text)} characters"
                raise BadParameter(method.name, field, wrong, f"the account's tariff speaks {self.text_limit} at most")
        if operation.needs_key:
            params = {TOKEN.name: self._secret(), **params}
        return rpc.request(self._url, method.name, params, request_id=request_id, places=method.places)

    def read(self, operation: Operation[T], reply: HttpReply) -> Heard[T]:
        """What a method answered: its value, or a ruling that says why there is none."""
        answer = rpc.read(reply)
        value = None if answer.fault else operation.read(answer.data, answer.metadata)
        if value is not None:
            return Heard(ruling=accepted(answer), value=value)
        ruling = self._ruling(answer, reply)
        return Heard(ruling=ruling if operation.method.places else not_placing(ruling))

    def read_placing(self, reply: HttpReply) -> Ruling:
        answer = rpc.read(reply)
        call_id = word(member(answer.data, "call_session_id"))
        return accepted(answer, call_id) if call_id else self._ruling(answer, reply)

    def logging_in(self, now: datetime) -> HttpRequest | None:
        if self._key or (self._token and (self._renew_at is None or now.timestamp() < self._renew_at)):
            return None
        self._asked_at = now.timestamp()
        return self._login_request()

    def read_login(self, reply: HttpReply) -> Ruling:
        answer = rpc.read(reply)
        token = member(answer.data, "access_token")
        if not isinstance(token, str) or not token:
            return not_placing(self._ruling(answer, reply))
        self._token = SecretStr(token)
        self._ends_at = amount(member(answer.data, "expire_at"), UNIX_TIME)
        self._renew_at = self._renewal(self._ends_at)
        return accepted(answer)

    def forget_login(self) -> bool:
        if self._key:
            return False
        self._refused, self._token = self._token or self._refused, None
        return True

    def login(self) -> Login | None:
        """The session key that a login gave us; None for a permanent key."""
        if self._key or self._token is None:
            return None
        return Login(token=self._token, renew_at=self._renew_at, ends_at=self._ends_at if self._renew_at else None)

    def adopt(self, login: Login, now: datetime) -> bool:
        """Use a session key that another process got; False for one that was refused us or is about to end."""
        if login.token == self._refused or (login.renew_at is not None and login.renew_at <= now.timestamp()):
            return False
        self._token, self._renew_at, self._ends_at = login.token, login.renew_at, login.ends_at
        return True

    def logging_out(self) -> HttpRequest:
        return self.request(logout_user(self._token or SecretStr("")))

    def looking(self) -> HttpRequest | None:
        return self._list_request()

    def read_looking(self, reply: HttpReply) -> Listing:
        """The calls in progress. One entry that cannot be read makes the list unusable: it could be any of ours."""
        answer = rpc.read(reply)
        if answer.fault or not isinstance(answer.data, list):
            return Listing(ruling=not_placing(self._ruling(answer, reply)), usable=False)
        seen = [_sighting(session) for session in answer.data]
        known = [sighting for sighting in seen if sighting]
        return Listing(ruling=accepted(answer), usable=len(known) == len(seen), seen=known)

    def asking(self, provider_call_id: str) -> HttpRequest | None:
        """The Data API is asked, where the account has one: the Call API knows nothing of a call that is over."""
        url = self._data_url
        return data_api.legs_request(url, self._secret(), provider_call_id, self._now()) if url else None

    def read_asking(self, reply: HttpReply, provider_call_id: str) -> CallStatus:
        if not self._data_url:
            return CallStatus(ruling=not_offered(self.name, "be asked for one call"))
        answer = rpc.read(reply)
        if data_api.names_another(answer, "call_session_id", provider_call_id):
            return CallStatus(ruling=about_another(self.name))
        return data_api.read_legs(answer, self._report_ruling(answer, reply))

    def asking_tags(self, provider_call_id: str) -> HttpRequest | None:
        url = self._data_url
        return data_api.tags_request(url, self._secret(), provider_call_id, self._now()) if url else None

    def read_tags(self, reply: HttpReply, provider_call_id: str) -> CallStatus:
        answer = rpc.read(reply)
        tags = data_api.read_tags(answer, provider_call_id)
        return CallStatus(ruling=self._report_ruling(answer, reply), tags=tags)

    def tracing(self, attempt_id: UUID) -> HttpRequest | None:
        url = self._data_url
        return data_api.calls_request(url, self._secret(), attempt_id, self._now()) if url else None

    def read_tracing(self, reply: HttpReply, attempt_id: UUID) -> Ruling:
        answer = rpc.read(reply)
        if data_api.names_another(answer, "call_api_external_id", str(attempt_id)):
            return about_another(self.name)
        return replace(self._report_ruling(answer, reply), provider_call_id=data_api.found_call(answer))

    def checking(self) -> HttpRequest:
        """A login for a login; for a key, the list of calls: when that is closed to us, outcomes cannot be followed."""
        return self._list_request() if self._key else self._login_request()

    def read_checking(self, reply: HttpReply) -> Ruling:
        return self.read_looking(reply).ruling if self._key else self.read_login(reply)

    def genuine(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """It signs nothing: the secret in the URL must do."""
        return True

    def read_receipts(self, body: bytes, headers: Mapping[str, str]) -> Sequence[Receipt]:
        return receipts_in(body)

    def policy(self) -> Sequence[PolicyRow]:
        return list(rows())

    def _login_request(self) -> HttpRequest:
        return self.request(login_user(self._login, self._password))

    def _list_request(self) -> HttpRequest:
        return self.request(list_calls())

    def _secret(self) -> str:
        return self._token.get_secret_value() if self._token else ""

    def _report_ruling(self, answer: rpc.Answer, reply: HttpReply) -> Ruling:
        """The Data API has points of its own: its figures are not the account's."""
        ruling = accepted(answer) if isinstance(answer.data, list) else not_placing(self._ruling(answer, reply))
        return replace(ruling, meter=None)

    def _ruling(self, answer: rpc.Answer, reply: HttpReply) -> Ruling:
        if answer.fault and (limit := whole(member(answer.fault.params, "tts_message_max_length"), TEXT_LENGTH)):
            self.text_limit = limit
        return ruling_of(answer, reply, renewable=self._key is None)

    def _renewal(self, expire_at: float | None) -> float | None:
        """When to log in anew: a minute before the key ends, sooner for one that lives for minutes only.

        None, which waits for the provider to refuse the key, when its clock and ours disagree.
        """
        lifetime = (expire_at or 0.0) - self._asked_at
        if expire_at is None or lifetime <= 0:
            return None
        return expire_at - min(RENEW_BEFORE, lifetime / 2)


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _sighting(session: Any) -> ListedCall | None:
    call_id = word(member(session, "call_session_id"))
    if call_id is None:
        return None
    words, of_contact = _leg_words(member(session, "legs"))
    steps = {progress_of(state) for state in words} if words else {Progress.PLACED}
    if not of_contact:
        steps -= {Progress.ANSWERED}  # an agent talks, or waits for the contact: neither is an answer
    return ListedCall(
        provider_call_id=call_id,
        correlation_id=uuid_of(member(session, "external_id")),
        progress=next((step for step in _FURTHEST if step in steps), None),
        word=", ".join(words),
        tags=tag_names(member(session, "tags")),
    )


def _leg_words(legs: Any) -> tuple[list[str], bool]:
    """The states of the legs that are not an agent's, and True; where all are, of these, and False."""
    known = [leg for leg in legs if isinstance(leg, dict)] if isinstance(legs, list) else []
    outer = [leg for leg in known if leg.get("is_operator") is not True]
    return [state for leg in outer or known if (state := word(leg.get("state")))], bool(outer)
