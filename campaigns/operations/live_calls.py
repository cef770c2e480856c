"""What an operator may do with a call in progress: find its account, act on it, and leave an audit line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from sqlalchemy import select

from campaigns.ledger import moves
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts
from campaigns.operations import suppression_list
from dialer.account import Account
from dialer.errors import DialerError, ProviderError
from dialer.field_errors import field_error
from dialer.live_calls import (
    CallManager,
    LiveCall,
    calls_at,
    can_manage,
    managing_providers,
    remedy_for,
    script_of,
    was_blocked_before,
)
from dialer.phone import E164, PhoneNumber
from dialer.scripts import Recording, Script, Speech

SHORTEST_NUMBER = 7  # a shorter one is an extension, and nobody's phone number
MAX_ID = 2**63 - 1
NO_NUL = r"^[^\x00]*$"  # the ledger keeps none


def _no_truth_value(value: object) -> object:
    """JSON's true would be 1."""
    if isinstance(value, bool):
        raise field_error("this is no id", "write a number")
    return value


Id = Annotated[int, BeforeValidator(_no_truth_value), Field(ge=1, le=MAX_ID)]


class NotDone(DialerError):
    """The provider did not do with the call what was asked for."""


class AccountUnclear(DialerError):
    """It cannot be told which account is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedCall:
    """A call session at one account; `campaign_id` and `phone` are known when it is a call of ours."""

    call_session_id: int
    account: Account
    campaign_id: str | None = None
    phone: str | None = field(default=None, repr=False)


class Given(BaseModel):
    """What is done with a call, and at which account where it is no call of ours."""

    model_config = ConfigDict(extra="forbid")

    account: str | None = Field(None, max_length=100, description="The call's account, where it is no call of ours.")


class Heard(Given):
    """What somebody hears: a text, or a recording."""

    say: str | None = Field(None, min_length=1, max_length=2000, pattern=NO_NUL)
    media: str | None = Field(None, min_length=1, max_length=200, pattern=NO_NUL)

    @property
    def script_or_none(self) -> Script | None:
        """As the provider takes it; None where nothing is to be heard."""
        return script_of(self.say, self.media)


class Held(Heard):
    """Somebody on hold hears something."""

    @model_validator(mode="after")
    def _something_heard(self) -> Held:
        if self.say is None and self.media is None:
            raise ValueError("somebody on hold hears something: give say or media")
        return self

    @property
    def script(self) -> Script:
        """As the provider takes it."""
        return Recording(media_id=self.media) if self.media is not None else Speech(text=self.say or "")


class Made(Heard):
    """A second person to call."""

    to: str = Field(pattern=r"^\+?\d{1,15}$", description="Extension or number.")


class Tagged(Given):
    """A tag, by its id."""

    tag: Id


class Recorded(Given):
    """Whether the call is recorded."""

    record: Literal["on", "off"]


class Coached(Given):
    """Who listens and prompts."""

    number: str | None = Field(None, pattern=r"^\+?\d{1,15}$", description="Absent: the coach of the client area.")


class Key(Given):
    """A key: a digit, * or #."""

    key: str = Field(pattern=r"^[0-9*#]$")


class Leg(Given):
    """A participant of the call."""

    leg: Id


Act = Callable[[CallManager, int, Any], object]
ACTIONS: Mapping[str, tuple[type[Given], Act, str]] = {
    "hold": (
        Held,
        lambda calls, session, given: calls.hold_call(session, given.script),
        "Put the contact on hold with something to hear.",
    ),
    "unhold": (Given, lambda calls, session, _: calls.unhold_call(session), "Take the contact back from hold."),
    "make": (
        Made,
        lambda calls, session, given: calls.make_call(session, given.to.removeprefix("+"), given.script_or_none),
        "Call a second person while the contact is on hold.",
    ),
    "transfer": (
        Given,
        lambda calls, session, _: calls.transfer_talk(session),
        "Connect the contact with the second person, and leave.",
    ),
    "restore": (
        Given,
        lambda calls, session, _: calls.restore_talk(session),
        "Go back to the contact; the second person's call ends.",
    ),
    "release": (Given, lambda calls, session, _: calls.release_call(session), "End the call, whatever its state."),
    "tag": (Tagged, lambda calls, session, given: calls.tag_call(session, given.tag), "Tag the call."),
    "record": (
        Recorded,
        lambda calls, session, given: calls.record_call(session, given.record),
        "Start or stop recording.",
    ),
    "coach": (
        Coached,
        lambda calls, session, given: calls.add_coach(session, given.number and given.number.removeprefix("+")),
        "Let a coach listen and prompt.",
    ),
    "dtmf": (Key, lambda calls, session, given: calls.send_dtmf(session, given.key), "Press a key."),
    "talk-option": (
        Key,
        lambda calls, session, given: calls.call_talk_option(session, given.key),
        "Do what a key does during a talk.",
    ),
    "disconnect": (
        Leg,
        lambda calls, session, given: calls.disconnect_leg(session, given.leg),
        "Hang up for one participant; without the contact the whole call ends.",
    ),
}


def manageable(accounts: Mapping[str, Account], named: str | None) -> list[Account]:
    """The accounts whose calls can be managed: the one named, or all. Raises AccountUnclear where there is none."""
    known = [account for account in accounts.values() if can_manage(account)]
    names = ", ".join(account.name for account in known) or "none"
    if named is not None and named not in accounts:
        raise AccountUnclear(f"no account {named!r}", f"accounts whose calls can be managed: {names}")
    chosen = [accounts[named]] if named is not None else known
    if not chosen:
        raise AccountUnclear("no account's calls can be managed", f"only {managing_providers()} has words for it")
    return chosen


def find(ledger: Ledger, accounts: Mapping[str, Account], call_session_id: int, named: str | None) -> ManagedCall:
    """The account of a call: by the ledger, by name, or because there is only one. Raises AccountUnclear."""
    chosen = {account.name: account for account in manageable(accounts, named)}
    query = (
        select(attempts.c.account, attempts.c.campaign_id, contacts.c.phone)
        .join(contacts, contacts.c.id == attempts.c.contact_id)
        .where(attempts.c.account.in_(list(chosen)), attempts.c.provider_call_id == str(call_session_id))
        .order_by(attempts.c.dialing_at.desc())
    )
    with ledger.reading() as db:
        ours = db.execute(query.limit(1)).first()
    if ours is not None:
        account = chosen[ours.account]
        return ManagedCall(
            call_session_id=call_session_id, account=account, campaign_id=ours.campaign_id, phone=ours.phone
        )
    if len(chosen) > 1:
        reason = f"call {call_session_id} is no call of ours, and there are accounts {', '.join(sorted(chosen))}"
        raise AccountUnclear(reason, "name one with --account")
    return ManagedCall(call_session_id=call_session_id, account=next(iter(chosen.values())))


def act(
    ledger: Ledger, session: ManagedCall, event: str, do: Callable[[CallManager], object], *, who: str, now: datetime
) -> None:
    """Do something with a call, leaving an audit line whether it could be done or not. Raises DialerError."""
    calls = calls_at(session.account)
    try:
        do(calls)
    except ProviderError as error:
        _note(ledger, session, event, _word(error), who=who, now=now)
        raise _in_our_words(session, error) from None
    _note(ledger, session, event, "done", who=who, now=now)


def block(ledger: Ledger, session: ManagedCall, *, who: str, now: datetime) -> bool:
    """Nobody calls this contact again: our list first, then the provider's.

    False when our list stays as it was: the number cannot be told, or it is a call of a rehearsal.
    """
    calls = calls_at(session.account)
    number = None if session.account.settings.sandbox else _number(session, calls)
    if number is not None:
        reason = f"blocked during call {session.call_session_id}"
        suppression_list.add(ledger, number, reason=reason, who=f"{who}, during a call", now=now)

    def block_there(calls: CallManager) -> None:
        try:
            calls.block_contact(session.call_session_id)
        except ProviderError as error:
            if not was_blocked_before(session.account, error):
                raise

    act(ledger, session, "call block", block_there, who=who, now=now)
    return number is not None


def calls_in_progress(accounts: list[Account]) -> Iterator[tuple[Account, LiveCall]]:
    """Every call in progress of these accounts. Raises ProviderError where a list cannot be had."""
    for account in accounts:
        for call in calls_at(account).list_calls():
            yield account, call


def campaigns_of_calls(ledger: Ledger, calls: list[LiveCall]) -> dict[str, str]:
    """The campaigns of calls that are ours, by external id."""
    ours = [attempt_id for call in calls if (attempt_id := _uuid(call.external_id))]
    if not ours:
        return {}
    with ledger.reading() as db:
        rows = db.execute(select(attempts.c.id, attempts.c.campaign_id).where(attempts.c.id.in_(ours)))
        return {str(row.id): row.campaign_id for row in rows}


def _number(session: ManagedCall, calls: CallManager) -> PhoneNumber | None:
    """The contact's number, as the ledger or else the provider's list has it."""
    phone = session.phone
    if phone is None or not E164.fullmatch(phone):
        listed = (call for call in calls.list_calls() if call.call_session_id == session.call_session_id)
        phone = next((f"+{call.contact_phone_number}" for call in listed), "")
    return PhoneNumber(phone) if E164.fullmatch(phone) else None


def _note(ledger: Ledger, session: ManagedCall, event: str, came_of_it: str, *, who: str, now: datetime) -> None:
    detail = f"{session.call_session_id} on account {session.account.name}: {came_of_it}"
    with ledger.writing() as db:
        moves.write_audit(db, now, who=who, event=event, campaign_id=session.campaign_id, detail=detail)


def _word(error: ProviderError) -> str:
    return error.ruling.mnemonic or error.ruling.verdict.value


def _in_our_words(session: ManagedCall, error: ProviderError) -> NotDone:
    message = f"call {session.call_session_id}: {error.ruling.detail or error.message}"
    return NotDone(message, remedy_for(session.account, error))


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
