"""Logging in and out, and the methods that list and manage calls in progress, as operations.

`call_session_id` is what the starting methods answer and `list_calls` shows.
"""

from __future__ import annotations

from typing import Literal

from pydantic import SecretStr

from dialer.providers.callgear.operation import Number, Operation, operation
from dialer.providers.callgear.replies import (
    Done,
    LiveCalls,
    LoggedIn,
    TalkOptions,
    done,
    live_calls,
    logged_in,
    talk_options,
)
from dialer.providers.callgear.starting import Direction
from dialer.scripts import Script


def login_user(login: str, password: SecretStr) -> Operation[LoggedIn]:
    """Get a session key for a login. It lives for an hour."""
    return operation("login.user", logged_in, login=login, password=password.get_secret_value())


def logout_user(access_token: SecretStr) -> Operation[Done]:
    """End a session: its key is no longer good for anything."""
    return operation("logout.user", done, access_token=access_token.get_secret_value())


def list_calls(
    *, direction: Direction | None = None, virtual_phone_number: Number | None = None
) -> Operation[LiveCalls]:
    """The calls in progress: all, or those of one direction or virtual number."""
    return operation("list.calls", live_calls, direction=direction, virtual_phone_number=virtual_phone_number)


def list_talk_options() -> Operation[TalkOptions]:
    """What keys do during a talk, as the client area has it."""
    return operation("list.talk_options", talk_options)


def hold_call(call_session_id: int, contact_message: Script) -> Operation[Done]:
    """Put the contact on hold with a message to listen to. Only in a talk."""
    return operation("hold.call", done, call_session_id=call_session_id, contact_message=contact_message)


def unhold_call(call_session_id: int) -> Operation[Done]:
    """Take the contact back from hold."""
    return operation("unhold.call", done, call_session_id=call_session_id)


def make_call(call_session_id: int, to: Number, to_message: Script | None = None) -> Operation[Done]:
    """Call a second person while the contact is on hold, to consult them or to transfer the call."""
    return operation("make.call", done, call_session_id=call_session_id, to=to, to_message=to_message)


def transfer_talk(call_session_id: int) -> Operation[Done]:
    """Connect the contact with the second person, and leave."""
    return operation("transfer.talk", done, call_session_id=call_session_id)


def restore_talk(call_session_id: int) -> Operation[Done]:
    """Go back to the contact; the second person's call ends."""
    return operation("restore.talk", done, call_session_id=call_session_id)


def add_coach(call_session_id: int, phone_number: Number | None = None) -> Operation[Done]:
    """Let a coach listen and prompt: the one of the client area unless a number is given."""
    return operation("add.coach", done, call_session_id=call_session_id, phone_number=phone_number)


def tag_call(call_session_id: int, tag_id: int) -> Operation[Done]:
    """Tag a call in progress."""
    return operation("tag.call", done, call_session_id=call_session_id, tag_id=tag_id)


def record_call(call_session_id: int, action: Literal["on", "off"]) -> Operation[Done]:
    """Start or stop recording. What the client area records always cannot be stopped."""
    return operation("record.call", done, call_session_id=call_session_id, action=action)


def disconnect_leg(call_session_id: int, leg_id: int) -> Operation[Done]:
    """Hang up for one participant; without the contact the whole call ends."""
    return operation("disconnect.leg", done, call_session_id=call_session_id, leg_id=leg_id)


def send_dtmf(call_session_id: int, dtmf_string: str) -> Operation[Done]:
    """Press one key: for the contact's own menu, or for a talk option."""
    return operation("send.dtmf", done, call_session_id=call_session_id, dtmf_string=dtmf_string)


def block_contact(call_session_id: int) -> Operation[Done]:
    """Put the contact of a call on the provider's blacklist."""
    return operation("block.contact", done, call_session_id=call_session_id)


def call_talk_option(call_session_id: int, button: str) -> Operation[Done]:
    """Do what a key does during a talk; see `list_talk_options`."""
    return operation("call.talk_option", done, call_session_id=call_session_id, button=button)


def release_call(call_session_id: int) -> Operation[Done]:
    """End a call, whatever its state."""
    return operation("release.call", done, call_session_id=call_session_id)
