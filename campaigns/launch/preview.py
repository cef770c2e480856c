"""A preview of one contact's call: the text, voice and length it would have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from campaigns.audience.audience import Audience
from campaigns.audience.rejects import Reject, RejectCode
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.calendar.reminders import openings, reminder_moments
from campaigns.calendar.zones import zones_of
from campaigns.definition import Definition
from campaigns.definition.definition import REMINDER, VARIANT
from campaigns.definition.speech.speech_filters import SpokenValue
from campaigns.definition.templates import BadText
from campaigns.launch.checking.account_checks import own_text
from campaigns.launch.checking.checks import open_audience
from campaigns.launch.checking.staging import NO_ZONE
from dialer.account_settings import AccountSettings
from dialer.call_kinds import Informer
from dialer.errors import DialerError
from dialer.prices import Prices, amount
from dialer.scripts import Speech


class PreviewedReminder(NamedTuple):
    """One reminder of the contact's appointment: its name, its moment there, and what it says.

    `calls_at` is the first calling hour from `at` on; None: that comes when the next reminder is due already, or the
    appointment has begun, so that this one is left out.
    """

    reminder: str
    at: datetime
    text: str | None
    calls_at: datetime | None


class PreviewedCost(NamedTuple):
    """What the call costs by the account's prices: answered and heard to its end, and what is kept back for it."""

    currency: str
    answered: Decimal
    at_most: Decimal


class NoSuchRow(DialerError):
    """No row of the list begins in that line, or the list has no row that can be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One row of the list: the text as the preferred account will speak it, or why there will be no call.

    `reminders` are those of its appointment, where the campaign has several. `contact` is the masked number. `text` is
    None for a recording, and for a call that says nothing; it is said `repeat` times in one call. `seconds` is an
    estimate of the whole message's length, `values` what the text's filters made of the row's values. `caller_ids` are
    the numbers of which it will be shown one, the nearest first, `caller_ids_by_account` those of other accounts that
    have their own. `responses` says what its keys and tags mean, `cost` what it costs, where the account has prices.
    `priority` and `callback_data` go to the provider with its call.
    """

    campaign: str
    line: int
    contact: str
    zone: str | None
    text: str | None = field(repr=False)
    voice: Mapping[str, str]
    seconds: float
    values: Sequence[SpokenValue] = field(default=(), repr=False)
    rejected: Reject | None = None
    reminders: Sequence[PreviewedReminder] = field(default=(), repr=False)
    variant: str | None = None
    caller_ids: Sequence[str] = ()
    caller_ids_by_account: Mapping[str, Sequence[str]] = field(default_factory=dict)
    repeat: int = 1
    responses: Mapping[str, str] = field(default_factory=dict)
    cost: PreviewedCost | None = None
    priority: int | None = None
    callback_data: str | None = field(default=None, repr=False)

    @property
    def characters(self) -> int:
        """Length of the text; 0 when there is none."""
        return len(self.text or "")


def preview(path: Path, accounts: Mapping[str, AccountSettings], line: int | None = None) -> Preview:
    """The row in this line of the list, else the first contact. Raises NoSuchRow, and what `check` raises."""
    audience = open_audience(path, accounts)
    return _preview(row_at(audience, line), audience, accounts[audience.definition.account].prices)


def row_at(audience: Audience, line: int | None) -> ContactRow | Reject:
    """The row that begins in this line of the list; the first contact when no line is named. Raises NoSuchRow."""
    last_line = 0
    for row in audience.rows():
        if row.line == line or (line is None and isinstance(row, ContactRow)):
            return row
        last_line = row.line
        if line is not None and last_line > line:
            break
    if audience.definition.contacts.standing:
        message = f"{audience.definition.campaign} is a standing campaign: it has no list, and so no row"
        raise NoSuchRow(
            message, f"start it, and append to it: dialer contact append {audience.definition.campaign} rows.csv"
        )
    if line is None:
        raise NoSuchRow(
            f"{audience.file}: no row can be called", f"see why with: dialer check {audience.definition.file}"
        )
    remedy = f"its last row is in line {last_line}; line 1 is the first of the file"
    raise NoSuchRow(f"{audience.file}: no row begins in line {line}", remedy)


def _preview(row: ContactRow | Reject, audience: Audience, prices: Prices | None) -> Preview:
    campaign = audience.definition
    try:
        row = row if isinstance(row, Reject) else _as_spoken(row, campaign)
    except BadText as exc:
        reason = f"{campaign.account} cannot speak its own text: {exc}"
        row = Reject(line=row.line, column="", code=RejectCode.BAD_TEXT, reason=reason, suggestion=exc.suggestion)
    if isinstance(row, Reject):
        return Preview(
            campaign=campaign.campaign,
            line=row.line,
            contact="",
            zone=None,
            text=None,
            voice={},
            seconds=0,
            rejected=row,
        )
    definition = campaign.for_account(campaign.account)
    script = definition.script(row.text, row.voice)
    others = {name: own.caller_id for name, own in campaign.by_account.items() if name != campaign.account}
    return Preview(
        campaign=definition.campaign,
        line=row.line,
        contact=row.phone.masked,
        zone=row.zone,
        text=row.text,
        voice=script.voice if isinstance(script, Speech) else {},
        seconds=script.seconds,
        values=row.spoken,
        reminders=_reminders(row, definition),
        variant=definition.variant_for(row.key, row.e164),
        caller_ids=definition.caller_id.all_eligible(row.e164),
        caller_ids_by_account={name: pool.all_eligible(row.e164) for name, pool in others.items() if pool},
        repeat=definition.message.repeat if definition.message else 1,
        responses=definition.responses,
        cost=_cost(row, definition, prices, script.seconds),
        priority=definition.priority,
        callback_data=definition.callback_text(row.fields, row.zone),
    )


def _cost(row: ContactRow, definition: Definition, prices: Prices | None, seconds: float) -> PreviewedCost | None:
    if prices is None:
        return None
    price = prices.of_call(row.e164, seconds, talks=not isinstance(definition.call, Informer))
    return PreviewedCost(price.currency, amount(price.cost(seconds)), amount(price.kept_back))


def _as_spoken(row: ContactRow, campaign: Definition) -> ContactRow:
    """The row with the text that the preferred account speaks, which may be its own. Raises BadText."""
    own = campaign.by_account.get(campaign.account)
    if own is None or own.message is None:
        return row
    text, spoken = own_text(row, campaign.for_account(campaign.account))
    return row._replace(text=text, spoken=spoken, voice={})


def _reminders(row: ContactRow, definition: Definition) -> list[PreviewedReminder]:
    if not definition.reminders or row.not_after is None:
        return []
    zone, template = row.zone or NO_ZONE, definition.template
    texts: list[str | None] = [row.text] * len(definition.reminders)
    if template and definition.speaks_of_reminder:
        own = {VARIANT: variant} if (variant := definition.variant_for(row.key, row.e164)) else {}
        labels = definition.reminder_labels
        texts = [template.render({**row.fields, **own, REMINDER: label}, row.zone) for label in labels]
    moments = reminder_moments(definition, zone, row.not_after)
    clock = zones_of(zone)[0]
    local = [moment.astimezone(clock) for moment in moments]
    calls = [opening and opening.astimezone(clock) for opening in openings(definition, zone, row.not_after)]
    return list(map(PreviewedReminder, definition.reminder_labels, local, texts, calls))
