"""A voice message: whom to call, every field of "Make Call", examined before it is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from dialer.errors import Refused
from dialer.phone import E164
from dialer.providers.webex.content import content_of, script_fault
from dialer.providers.webex.words import RECEIPTS, RECEIPTS_ASKED
from dialer.scripts import Recording, Script
from dialer.verdicts import Ruling, Verdict

LONGEST_CALLBACK_DATA = 2000  # characters
LONGEST_CORRELATION_ID = 50  # bytes, as version 1 of the API has it; version 2 names no limit
MOST_RECIPIENTS = 1000  # in a request; a tenant's calls a second bound it too
HOW_TO_WRITE = "write + and up to fifteen digits"
FURTHEST_SEND_AT = timedelta(days=7)
PAST_SEND_AT = timedelta(minutes=1)  # our clock and the provider's may differ by so much
PRIORITIES = (1, 2, 3)
AUTH_ID = re.compile(r"[!-~]{1,100}")
_CONTACTS = frozenset({"to.msisdn", "content.text"})

SendAt = datetime | int | str


@dataclass(frozen=True, slots=True)
class Recipient:
    """One of several numbers to call, with a correlation id of its own."""

    number: str = field(repr=False)
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceMessage:
    """A call to ask for. Numbers are E.164; `send_at` is an aware moment, a Unix time in seconds, or ISO 8601.

    `to` may be several: numbers that share `correlation_id`, and recipients with their own. No document says what the
    answer to several looks like, nor which of them it means where a part was refused: campaigns call one each time.
    """

    caller: str
    to: str | Sequence[str | Recipient] = field(repr=False)
    content: Script = field(repr=False)
    correlation_id: str | None = None
    priority: int | None = None
    callback_data: str | None = field(default=None, repr=False)
    notify_url: str | None = field(default=None, repr=False)
    notify_url_auth_id: str | None = None
    requested_receipts: Sequence[str] = RECEIPTS_ASKED
    send_at: SendAt | None = None

    def body(self) -> bytes:
        """The request's JSON; what was not given is not sent."""
        message: dict[str, Any] = {
            "channel": "voice",
            "from": self.caller,
            "to": self._entries(),
            "requestedReceipts": list(self.requested_receipts),
            "content": content_of(self.content),
            "notifyUrl": self.notify_url,
            "notifyUrlAuthId": self.notify_url_auth_id,
            "priority": self.priority,
            "callbackData": self.callback_data,
            "sendAt": _written(self.send_at),
        }
        return json.dumps(_given(message), ensure_ascii=False).encode("utf-8", "replace")

    @property
    def recipients(self) -> Sequence[Recipient]:
        """Everybody to be called."""
        listed = [self.to] if isinstance(self.to, str) else self.to
        return [one if isinstance(one, Recipient) else Recipient(one, self.correlation_id) for one in listed]

    def _entries(self) -> list[dict[str, Any]]:
        """One object for each correlation id, in order."""
        entries: dict[str | None, list[str]] = {}
        for recipient in self.recipients:
            entries.setdefault(recipient.correlation_id, []).append(recipient.number)
        return [_given({"msisdn": numbers, "correlationId": name}) for name, numbers in entries.items()]


class InvalidMessage(Refused):
    """A field is not what the document allows: nothing was sent. `ruling.field` names it."""

    def __init__(self, provider: str, name: str, reason: str, remedy: str) -> None:
        ruling = Ruling(
            verdict=Verdict.REFUSE_CONTACT if name in _CONTACTS else Verdict.HALT_CAMPAIGN,
            mnemonic="invalid_message",
            detail=f"{name}: {reason}",
            field=name,
            blames_script=name.startswith("content."),
        )
        super().__init__(provider, ruling.detail, ruling, remedy)


def examine(message: VoiceMessage, *, provider: str, secure: bool, now: datetime) -> None:
    """Raise InvalidMessage for the first field that the document does not allow.

    `secure`: the API is asked over HTTPS; then it delivers receipts over HTTPS only.
    """
    for name, reason, remedy in _faults(message, secure=secure, now=now):
        raise InvalidMessage(provider, name, reason, remedy)


def _faults(message: VoiceMessage, *, secure: bool, now: datetime) -> Iterator[tuple[str, str, str]]:
    if not _is_number(message.caller):
        yield "from", "it is no E.164 number", HOW_TO_WRITE
    yield from _recipient_faults(message.recipients)
    if message.priority is not None and (isinstance(message.priority, bool) or message.priority not in PRIORITIES):
        yield "priority", f"it cannot be {message.priority!r}", "write 1 (low), 2 or 3 (high)"
    if len(message.callback_data or "") > LONGEST_CALLBACK_DATA:
        yield "callbackData", f"it has more than {LONGEST_CALLBACK_DATA} characters", "shorten it"
    yield from _notify_faults(message, secure=secure)
    if unknown := [name for name in message.requested_receipts if name not in RECEIPTS]:
        yield "requestedReceipts", f"there is no receipt {unknown[0]!r}", f"there are: {', '.join(RECEIPTS)}"
    yield from _send_at_faults(message.send_at, now)
    if fault := script_fault(message.content):
        yield _place(message.content, fault.code), fault.reason, fault.suggestion


def _recipient_faults(recipients: Sequence[Recipient]) -> Iterator[tuple[str, str, str]]:
    which = "it is" if len(recipients) == 1 else "one of them is"
    if not all(_is_number(recipient.number) for recipient in recipients):
        yield "to.msisdn", f"{which} no E.164 number", HOW_TO_WRITE
    if not 0 < len(recipients) <= MOST_RECIPIENTS:
        yield "to", f"{len(recipients)} numbers to call", f"give 1 to {MOST_RECIPIENTS}"
    if any(len((recipient.correlation_id or "").encode()) > LONGEST_CORRELATION_ID for recipient in recipients):
        yield "to.correlationId", f"it has more than {LONGEST_CORRELATION_ID} bytes", "shorten it"


def _is_number(text: object) -> bool:
    return isinstance(text, str) and E164.fullmatch(text) is not None


def _notify_faults(message: VoiceMessage, *, secure: bool) -> Iterator[tuple[str, str, str]]:
    if message.notify_url is not None and not _is_url(message.notify_url):
        yield "notifyUrl", "it is no address", "write https://host/path"
    elif message.notify_url and secure and urlsplit(message.notify_url).scheme != "https":
        yield "notifyUrl", "receipts are delivered over HTTPS only", "write https:// in console.public_url"
    if message.notify_url_auth_id is not None and not AUTH_ID.fullmatch(message.notify_url_auth_id):
        yield "notifyUrlAuthId", "it is no id of an auth profile", "copy it from the tenant's settings"


def _send_at_faults(given: SendAt | None, now: datetime) -> Iterator[tuple[str, str, str]]:
    if given is None:
        return
    moment = _moment(given)
    if moment is None:
        yield "sendAt", "it is no moment", "write ISO 8601 with an offset, or a Unix time in seconds"
    elif moment < now - PAST_SEND_AT:
        yield "sendAt", "it has passed", "leave it out to call at once"
    elif moment > now + FURTHEST_SEND_AT:
        yield "sendAt", f"it is more than {FURTHEST_SEND_AT.days} days ahead", "ask for the call later"


def _moment(given: SendAt) -> datetime | None:
    """The moment in UTC; None where there is none, or where no zone says when it is."""
    try:
        if isinstance(given, str) and not given.strip().isdigit():
            given = datetime.fromisoformat(given.strip())
        if isinstance(given, datetime):
            return given.astimezone(UTC) if given.tzinfo else None
        return None if isinstance(given, bool) else datetime.fromtimestamp(int(given), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _written(given: SendAt | None) -> str | int | None:
    if isinstance(given, datetime):
        return given.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return given


def _place(content: Script, code: str) -> str:
    if isinstance(content, Recording):
        return "content.mediaId"
    return "content.voice" if code == "voice" else "content.text"


def _is_url(text: str) -> bool:
    try:
        address = urlsplit(text)
        return address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:
        return False


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != ""}
