"""What CallGear's methods answer, as values. Each keeps its reply's metadata: points left, and the version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import SecretStr

from dialer.providers.bounds import ID, unix_time, whole
from dialer.providers.call_management import Leg, LiveCall, Tag, TalkOption
from dialer.providers.callgear.rpc import Metadata
from dialer.providers.parsing import is_true, member, word

T = TypeVar("T")
Reader = Callable[[Any, Metadata], T | None]
"""Reads the `data` of a reply; None where it does not hold what the method answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The method did what it was asked."""

    metadata: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A call was accepted; by this id it is managed and listed."""

    call_session_id: int
    metadata: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """A session key and when it ends (aware; None where the reply does not say)."""

    access_token: SecretStr
    expire_at: datetime | None
    metadata: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCalls:
    """The calls in progress."""

    calls: tuple[LiveCall, ...]
    metadata: Metadata

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(self.calls)

    def __len__(self) -> int:
        return len(self.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkOptions:
    """The talk options set in the client area."""

    options: tuple[TalkOption, ...]
    metadata: Metadata

    def __iter__(self) -> Iterator[TalkOption]:
        return iter(self.options)

    def __len__(self) -> int:
        return len(self.options)


def done(data: Any, metadata: Metadata) -> Done | None:
    """Success is `true` for some methods and `"true"` for others."""
    return Done(metadata=metadata) if is_true(member(data, "success")) else None


def placed(data: Any, metadata: Metadata) -> Placed | None:
    session = whole(member(data, "call_session_id"), ID)
    return None if session is None else Placed(call_session_id=session, metadata=metadata)


def logged_in(data: Any, metadata: Metadata) -> LoggedIn | None:
    token = member(data, "access_token")
    if not isinstance(token, str) or not token:
        return None
    return LoggedIn(access_token=SecretStr(token), expire_at=unix_time(member(data, "expire_at")), metadata=metadata)


def live_calls(data: Any, metadata: Metadata) -> LiveCalls | None:
    """All calls or nothing: one that cannot be read could be any."""
    calls = [_live_call(entry) for entry in data] if isinstance(data, list) else [None]
    known = tuple(call for call in calls if call)
    return LiveCalls(calls=known, metadata=metadata) if len(known) == len(calls) else None


def talk_options(data: Any, metadata: Metadata) -> TalkOptions | None:
    if not isinstance(data, list):
        return None
    return TalkOptions(options=tuple(map(_talk_option, data)), metadata=metadata)


def _live_call(entry: Any) -> LiveCall | None:
    session = whole(member(entry, "call_session_id"), ID)
    if session is None:
        return None
    return LiveCall(
        call_session_id=session,
        direction=word(member(entry, "direction")),
        start_time=word(member(entry, "start_time")),
        virtual_phone_number=word(member(entry, "virtual_phone_number")),
        contact_phone_number=word(member(entry, "contact_phone_number")),
        external_id=word(member(entry, "external_id")),
        tags=tuple(_tag(tag) for tag in _listed(entry, "tags")),
        legs=tuple(_leg(leg) for leg in _listed(entry, "legs")),
    )


def _tag(tag: Any) -> Tag:
    return Tag(tag_id=whole(member(tag, "tag_id"), ID), tag_name=word(member(tag, "tag_name")))


def _leg(leg: Any) -> Leg:
    return Leg(
        leg_id=whole(member(leg, "leg_id"), ID),
        calling_phone_number=word(member(leg, "calling_phone_number")),
        called_phone_number=word(member(leg, "called_phone_number")),
        is_operator=_flag(member(leg, "is_operator")),
        employee_id=whole(member(leg, "employee_id"), ID),
        employee_full_name=word(member(leg, "employee_full_name")),
        record_call_enabled=_flag(member(leg, "record_call_enabled")),
        state=word(member(leg, "state")),
    )


def _talk_option(option: Any) -> TalkOption:
    return TalkOption(
        button=word(member(option, "button")),
        mnemonic=word(member(option, "mnemonic")),
        name=word(member(option, "name")),
        value_id=whole(member(option, "button_value", "id"), ID),
        value=word(member(option, "button_value", "value")),
    )


def _listed(entry: Any, name: str) -> list[Any]:
    entries = member(entry, name)
    return entries if isinstance(entries, list) else []


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
