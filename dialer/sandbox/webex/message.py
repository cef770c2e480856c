"""A voice message request: what the document allows in it, examined field by field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from dialer.sandbox.numbers import OWN_NUMBERS
from dialer.sandbox.vendor import Incoming
from dialer.sandbox.webex.faults import Fault, invalid, missing

MANDATORY = ("channel", "from", "to", "content")
OPTIONAL = (
    "priority",
    "callbackData",
    "correlationId",
    "notifyUrl",
    "notifyUrlAuthId",
    "requestedReceipts",
    "sendAt",
    "expireAt",
    "validity",
    "contactPolicy",
)
ALIASES = {"correlationid": "correlationId", "notifyurl": "notifyUrl"}  # one sample of the document has these
SPEECH_FIELDS = ("ttsProcessor", "language", "voice", "region", "text", "voiceType", "gender")
RECEIPTS = frozenset(
    {
        *("offered", "accepted", "answered", "dropped", "rejected", "released", "disconnected"),
        *("trombone_connected", "trombone_released", "message_expired"),
    }
)
LONGEST_TEXT = 2000
LONGEST_CALLBACK_DATA = 2000
MOST_DESTINATIONS = 1000
FURTHEST_SEND_AT = timedelta(days=7)
E164 = re.compile(r"\+?([1-9]\d{6,14})")


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom to call: a number in E.164, or None where what was given is none; and what its call is to be known by."""

    number: str | None
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A request that may become calls, in the sandbox's terms; receipts are lower case."""

    caller: str
    destinations: tuple[Destination, ...]
    callback_data: str
    notify_url: str | None
    receipts: frozenset[str]
    requested_receipts: list[str]
    priority: str | None
    send_at: datetime | None
    content: Mapping[str, Any]

    @property
    def text_length(self) -> int | None:
        """Characters to speak; None for a media file."""
        return len(self.content["text"]) if "text" in self.content else None


def read(incoming: Incoming, now: datetime, *, most: int, knows_all: bool = False) -> Message:
    """Read and examine a request for `most` calls at the most. Raises Fault for the first thing wrong with it.

    What is not declared to be JSON is taken for none.
    """
    if not incoming.is_json:
        raise Fault("7000")
    given = _object(incoming.body)
    for name in MANDATORY:
        if name not in given:
            raise missing(name)
    for name in given:
        if name not in (*MANDATORY, *OPTIONAL):
            raise invalid(name)
    if not isinstance(given["channel"], str) or given["channel"].lower() != "voice":
        raise invalid("channel")
    _examine_options(given)
    content = _content(given["content"])
    caller = _caller(given["from"], knows_all)
    return Message(
        caller=caller,
        destinations=_destinations(given["to"], given.get("correlationId", ""), most),
        callback_data=given.get("callbackData", ""),
        notify_url=given.get("notifyUrl") or None,
        receipts=_receipts(given.get("requestedReceipts", [])),
        requested_receipts=given.get("requestedReceipts", []),
        priority=str(given["priority"]) if "priority" in given else None,
        send_at=_send_at(given, now),
        content=content,
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Fault("7000") from None
    if not isinstance(given, dict):
        raise Fault("7000")
    named: dict[str, Any] = given
    return {ALIASES.get(name, name): value for name, value in named.items()}


def _examine_options(given: Mapping[str, Any]) -> None:
    for name in ("callbackData", "correlationId", "notifyUrl", "notifyUrlAuthId"):
        if not isinstance(given.get(name, ""), str):
            raise invalid(name)
    if len(given.get("callbackData", "")) > LONGEST_CALLBACK_DATA:
        raise Fault("7107")
    if given.get("notifyUrl") and not _is_url(given["notifyUrl"]):
        raise invalid("notifyUrl")
    if "priority" in given and (isinstance(given["priority"], bool) or str(given["priority"]) not in {"1", "2", "3"}):
        raise invalid("priority")
    if not isinstance(given.get("contactPolicy", {}), dict):
        raise invalid("contactPolicy")


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def _content(content: Any) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise invalid("content")
    if "type" not in content:
        raise missing("content.type")
    kind = content["type"].lower() if isinstance(content["type"], str) else None
    if kind not in {"media", "tts"}:
        raise invalid("content.type")
    fields = ("mediaId",) if kind == "media" else SPEECH_FIELDS
    _examine_texts(content, fields)
    if kind == "tts":
        _examine_speech(content)
    return content


def _examine_texts(content: Mapping[str, Any], fields: tuple[str, ...]) -> None:
    for name in fields:
        if name not in content:
            raise missing(f"content.{name}")
    for name in content:
        if name not in ("type", *fields):
            raise invalid(f"content.{name}")
    for name in fields:
        if not isinstance(content[name], str) or not content[name].strip():
            raise invalid(f"content.{name}")


def _examine_speech(content: Mapping[str, Any]) -> None:
    allowed = {"ttsProcessor": {"azure"}, "voiceType": {"standard", "neural"}, "gender": {"male", "female"}}
    for name, words in allowed.items():
        if content[name].lower() not in words:
            raise invalid(f"content.{name}")
    if len(content["text"]) > LONGEST_TEXT:
        raise Fault("7107")


def _caller(number: Any, knows_all: bool) -> str:
    if not isinstance(number, str):
        raise invalid("from")
    match = E164.fullmatch(number)
    if not match or ("+" + match[1] not in OWN_NUMBERS and not knows_all):
        raise Fault("7101")
    return "+" + match[1]


def _destinations(to: Any, otherwise: str, most: int) -> tuple[Destination, ...]:
    """Every number in every object, each with the correlation id of its object, else that of the message."""
    if not isinstance(to, list) or not to or not all(isinstance(entry, dict) for entry in to):
        raise invalid("to")
    found = [destination for entry in to for destination in _in_entry(entry, otherwise)]
    if len(found) > min(most, MOST_DESTINATIONS):
        raise Fault("7009")
    if all(destination.number is None for destination in found):
        raise Fault("7102")
    return tuple(found)


def _in_entry(entry: Mapping[str, Any], otherwise: str) -> list[Destination]:
    if "msisdn" not in entry:
        raise missing("to.msisdn")
    numbers = entry["msisdn"]
    if not isinstance(numbers, list) or not numbers or not all(isinstance(number, str) for number in numbers):
        raise invalid("to.msisdn")
    for name, value in entry.items():
        if name not in {"msisdn", "correlationId", "correlationid"} or (
            name != "msisdn" and not isinstance(value, str)
        ):
            raise invalid(f"to.{name}")
    correlation_id = entry.get("correlationId") or entry.get("correlationid") or otherwise
    matches = map(E164.fullmatch, numbers)
    return [Destination("+" + match[1] if match else None, correlation_id) for match in matches]


def _receipts(words: Any) -> frozenset[str]:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise invalid("requestedReceipts")
    asked = frozenset(word.lower().replace(" ", "_") for word in words)
    if not asked <= RECEIPTS:
        raise invalid("requestedReceipts")
    return asked


def _send_at(given: Mapping[str, Any], now: datetime) -> datetime | None:
    send_at = _instant(given, "sendAt")
    if send_at and send_at > now + FURTHEST_SEND_AT:
        raise invalid("sendAt")
    if _instant(given, "expireAt") and "validity" in given:
        raise invalid("validity")
    validity = given.get("validity", 1)
    if isinstance(validity, bool) or not isinstance(validity, int) or validity <= 0:
        raise invalid("validity")
    return send_at


def _instant(given: Mapping[str, Any], name: str) -> datetime | None:
    """An instant as ISO 8601 (UTC where it names no zone) or as a Unix time in seconds."""
    if name not in given:
        return None
    value = given[name]
    try:
        if isinstance(value, str) and not value.isdigit():
            instant = datetime.fromisoformat(value)
            return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return datetime.fromtimestamp(int(value), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise invalid(name)
