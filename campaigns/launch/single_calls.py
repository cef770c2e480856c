"""Single calls: one contact appended to a standing campaign, as a program asks for it; asked again, none is made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from campaigns.audience.rejects import Reject
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.audience.rows.row_reader import LONGEST_KEY
from campaigns.calendar.calling_hours import next_opening
from campaigns.definition import Definition
from campaigns.definition.column_names import comparable
from campaigns.launch.checking.account_checks import fallback_accounts
from campaigns.launch.checking.staging import NO_ZONE, new_contact
from campaigns.launch.recent_campaigns import recent_campaign, rows_of
from campaigns.ledger.lists.appends import CannotAppend, RowFate, append_rows, locked_for_append
from campaigns.ledger.lists.drafts import WrittenContact, as_written
from campaigns.ledger.lists.idempotency import KeptAnswer, KeyReused, ProgramKey, keep_requests, kept_requests
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.together import Together
from dialer.account_settings import AccountSettings
from dialer.errors import DialerError
from dialer.short_text import is_short_text

LONGEST_IDEMPOTENCY_KEY = 255
GATHER_SECONDS = 0.01  # from a hundred calls a second on: fewer transactions, and an answer still in 30 ms


class CallRefused(DialerError):
    """The call is not placed. `facts` name the column at fault, blank where it is none, and the code of a reject."""

    def __init__(self, message: str, remedy: str, *, column: str = "", code: str = "") -> None:
        super().__init__(message, remedy)
        self.facts = {"column": column, "code": code}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequested:
    """One call that a program asks for.

    to               the number, written as in a list
    fields           the values of the text's variables, and of the columns that the campaign names
    key              its name in the program's own system; None: the call gets one
    not_after        it is never placed after this moment
    urgent           it goes before the other calls of its campaign
    idempotency_key  sent again within a day with the same call, the answer is the same and nothing is done
    """

    to: str = field(repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    key: str | None = None
    not_after: datetime | None = None
    urgent: bool = False
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCall:
    """A call that was taken. `id` is that of its contact, by which it is asked for and withdrawn.

    `fate` says what the request has done: `added` a contact, `changed` the one of its key, or nothing (`same`).
    `replayed`: its idempotency key was used before for the same request, and this is the answer of then.
    """

    id: int
    campaign: str
    account: str
    fate: RowFate
    replayed: bool = False


@dataclass(eq=False)
class _Order:
    """A request on its way into the ledger, with its answer once it has one."""

    request: CallRequested
    fingerprint: str
    who: str
    now: datetime
    written: WrittenContact = field(init=False)
    answer: PlacedCall | Exception | None = None

    @property
    def program_keys(self) -> list[ProgramKey]:
        """Its idempotency key, if it has one."""
        key = self.request.idempotency_key
        return [] if key is None else [(self.who, key)]

    def result(self) -> PlacedCall:
        """Its answer. Raises what was raised for it."""
        if isinstance(self.answer, PlacedCall):
            return self.answer
        raise self.answer or AssertionError("an order has an answer when it was acted on")


_orders = Together[_Order](gather=GATHER_SECONDS)


def place_call(
    ledger: Ledger,
    campaign_id: str,
    request: CallRequested,
    accounts: Mapping[str, AccountSettings],
    *,
    who: str,
    now: datetime,
) -> PlacedCall:
    """Append one contact to a standing campaign; it is rendered, checked and gated like any other.

    Threads that ask at the same time share a transaction. Raises NoSuchCampaign, CannotAppend (it is no standing
    campaign, or closed, or over), CallRefused, KeyReused, BadRows, DefinitionFaults.
    """
    place = partial(_ordered, ledger, campaign_id, request, accounts, who, now)
    remembered = recent_campaign(ledger, campaign_id)
    try:
        return place(remembered)
    except (DialerError, _NotAsRemembered):  # another one may have this name by now
        campaign = recent_campaign(ledger, campaign_id, afresh=True)
        if (campaign.id, campaign.definition_text) == (remembered.id, remembered.definition_text):
            raise
        return place(campaign)


def _ordered(
    ledger: Ledger,
    campaign_id: str,
    request: CallRequested,
    accounts: Mapping[str, AccountSettings],
    who: str,
    now: datetime,
    campaign: Campaign,
) -> PlacedCall:
    order = _Order(request=request, fingerprint=_fingerprint(ledger, campaign_id, request), who=who, now=now)
    try:
        _refuse_unless_standing(campaign)
        order.written = as_written(new_contact(_read(campaign, request, accounts, now)))
    except DialerError:  # answered before, it is answered the same, though it could not be called any more
        with ledger.reading() as db:
            order.answer = _earlier_answer(campaign, order, kept_requests(db, order.program_keys, now))
        if order.answer is None:
            raise
        return order.result()

    def act(orders: Sequence[_Order]) -> None:
        try:
            ledger.write(_place, campaign, orders, ledger)
        except Exception as exc:
            for one in orders:
                one.answer = exc

    _orders.do((ledger.url, campaign.id, campaign.definition_text), [order], act)
    return order.result()


def _refuse_unless_standing(campaign: Campaign) -> None:
    if not campaign.definition.contacts.standing:
        remedy = f"append to it: dialer contact append {campaign.id} rows.csv; or start one that is standing"
        raise CannotAppend(f"{campaign.id} is no standing campaign", remedy)


class _NotAsRemembered(Exception):
    """The campaign is not the one that was read a moment ago."""


def _fingerprint(ledger: Ledger, campaign_id: str, request: CallRequested) -> str:
    """A keyed hash of what was asked for: equal for equal requests, and tells nothing of them. Raises CallRefused."""
    key = request.idempotency_key
    if key is not None and not is_short_text(key, LONGEST_IDEMPOTENCY_KEY):
        message = f"an idempotency key has 1 to {LONGEST_IDEMPOTENCY_KEY} characters, all of which can be printed"
        raise CallRefused(message, "send a UUID", column="idempotency_key", code="bad_key")
    facts = [campaign_id, request.to, request.fields, request.key, request.not_after, request.urgent]
    return ledger.keyed_hash(json.dumps(facts, sort_keys=True, default=str))


def _read(
    campaign: Campaign, request: CallRequested, accounts: Mapping[str, AccountSettings], now: datetime
) -> ContactRow:
    """The contact that the request describes, read as a row of a list. Raises CallRefused and what reading raises."""
    definition, key = campaign.definition, request.key if request.key is not None else f"call-{uuid4().hex}"
    if not is_short_text(key, LONGEST_KEY):
        message = f"a key has 1 to {LONGEST_KEY} characters, all of which can be printed"
        raise CallRefused(message, "shorten it, or leave it out", column="key", code="bad_key")
    row = _row(request, definition, key)
    read = rows_of(campaign, tuple(row), accounts).read(row)
    if isinstance(read, Reject):
        where = f"{read.column}: " if read.column else ""
        raise CallRefused(f"{where}{read.reason}", read.suggestion, column=read.column, code=read.code)
    read = read._replace(key=key, not_after=request.not_after or read.not_after)
    for fallback in fallback_accounts(definition, accounts):
        fallback.check(read)
        for fault in fallback.faults(definition):
            raise CallRefused(fault.message, fault.suggestion)
    _refuse_too_late(campaign, read, now)
    return read


def _row(request: CallRequested, definition: Definition, key: str) -> dict[str, Any]:
    """The request as a row of a list. Raises CallRefused where a field says what the request says in another place."""
    columns, fields = definition.contacts, {comparable(name): value for name, value in request.fields.items()}
    row: dict[str, Any] = dict(request.fields)
    for name, column, value in (("to", columns.phone[0], request.to), ("key", columns.key, key)):
        if column is None:
            continue
        if comparable(column) not in fields:
            row[column] = value
        elif fields[comparable(column)] != value:
            message = f"fields.{column} says another thing than `{name}`, which is for it"
            raise CallRefused(message, f"leave it out of fields, and give it as `{name}`", column=column, code="twice")
    last = columns.not_after
    if last is not None and request.not_after is not None and comparable(last) not in fields:
        row[last] = request.not_after
    return row


def _refuse_too_late(campaign: Campaign, read: ContactRow, now: datetime) -> None:
    """Raises CallRefused for a call that can never be placed: its last moment comes before any hour of its windows."""
    opening = next_opening(campaign.definition, read.zone or NO_ZONE, now)
    if opening is None:
        raise CallRefused(
            "the campaign's end comes before any hour of its windows", "see schedule.end", code="too_late"
        )
    if read.not_after is not None and read.not_after <= opening:
        when = "has passed" if read.not_after <= now else "comes before the next hour of the calling window"
        raise CallRefused(f"its not_after {when}", "give a later one", column="not_after", code="too_late")


def _place(db: Connection, remembered: Campaign, orders: Sequence[_Order], ledger: Ledger) -> None:
    """Answer each order. Those with a key that another has are answered after it, in the same transaction."""
    campaign = locked_for_append(db, remembered.id)
    if campaign.definition_text != remembered.definition_text:
        raise _NotAsRemembered
    for order in orders:
        order.answer = None  # the transaction is run again where it has lost a race
    left = list(orders)
    while left:
        taken: set[object] = set()
        batch: list[_Order] = []
        for order in left:
            names = {order.written[-1], *order.program_keys}
            if not names & taken:
                batch.append(order)
            taken |= names
        _place_batch(db, campaign, batch, ledger)
        left = [order for order in left if order.answer is None]


def _place_batch(db: Connection, campaign: Campaign, orders: Sequence[_Order], ledger: Ledger) -> None:
    at = max(order.now for order in orders)
    kept = kept_requests(db, [name for order in orders for name in order.program_keys], at)
    for order in orders:
        order.answer = _earlier_answer(campaign, order, kept)
    new = [order for order in orders if order.answer is None]
    if not new:
        return
    urgent = {order.written[-1] for order in new if order.request.urgent}
    try:
        rows = append_rows(db, campaign, [order.written for order in new], ledger=ledger, now=at, urgent=urgent)
    except CannotAppend as exc:
        for order in new:
            order.answer = exc
        return
    requests: dict[ProgramKey, KeptAnswer] = {}
    for order, row in zip(new, rows, strict=True):
        if row.contact_id is None:
            order.answer = CallRefused(
                row.reason, "give a call that is another one a key of its own", code=row.fate.value
            )
            continue
        answer = PlacedCall(id=row.contact_id, campaign=campaign.id, account=campaign.account, fate=row.fate)
        facts = {"campaign": answer.campaign, "account": answer.account, "fate": answer.fate.value}
        requests |= dict.fromkeys(order.program_keys, KeptAnswer(order.fingerprint, answer.id, facts))
        order.answer = answer
    keep_requests(db, requests, at)


def _earlier_answer(
    campaign: Campaign, order: _Order, kept: Mapping[ProgramKey, KeptAnswer]
) -> PlacedCall | KeyReused | None:
    """What an order is answered whose idempotency key was used before; None for a new one."""
    for name in order.program_keys:
        if (earlier := kept.get(name)) is not None:
            if earlier.request != order.fingerprint:
                return KeyReused(name[1])
            facts = earlier.answer or {}  # an earlier version kept none
            fate, account = RowFate(facts.get("fate", RowFate.ADDED)), facts.get("account", campaign.account)
            of = facts.get("campaign", campaign.id)
            return PlacedCall(id=earlier.contact_id, campaign=of, account=account, fate=fate, replayed=True)
    return None
