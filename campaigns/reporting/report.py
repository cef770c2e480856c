"""The report of a campaign: its totals, and CSV files of its attempts, contacts, unknown calls and follow-ups."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from campaigns.audience.rejects import NOT_BLOCKING, RejectCode
from campaigns.definition.sections.responses import NO_RESPONSE
from campaigns.ledger import queries
from campaigns.ledger.lists.archives import Archive, archive_of
from campaigns.ledger.lists.rejected_rows import rejected_by_code
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tallies import (
    ReasonCount,
    attempt_counts,
    calls_by_caller_id,
    calls_by_reminder,
    calls_by_variant,
    contacts_by_response,
    contacts_by_status,
    reasons_not_reached,
    short_answers,
    summed,
)
from campaigns.lifecycle import FINAL_CONTACTS, CampaignStatus, ContactStatus
from campaigns.reporting.csv_sheets import (
    ATTEMPT_COLUMNS,
    CONTACT_COLUMNS,
    attempt_lines,
    contact_lines,
    csv_cell,
    write_csv,
)
from campaigns.reporting.given_list import GivenLists
from campaigns.reporting.unknown_calls import COLUMNS as UNKNOWN_COLUMNS
from campaigns.reporting.unknown_calls import UnknownCall, unknown_calls, unknown_line
from campaigns.safeguards.costs import costs_of
from dialer.calls import REACHED
from dialer.prices import amount, millionths

UNKNOWN_SHOWN = 10  # in the report itself; all are in the file
CALLER_ID_COLUMNS = ("caller_id", "calls", "answered", "answered_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The totals of a campaign.

    final, open       contacts by status: final statuses, and all others
    reasons           why contacts were not reached, the most frequent first
    outcomes          attempts by outcome; `attempts` counts those that the provider accepted, `requests` all
    responses         contacts by what they pressed, and `none` for those who were reached and pressed nothing; empty
                      where the campaign asks for no keys
    reminders         for each of several reminders, calls by outcome; empty where there is one
    variants          for each of several texts calls by outcome, and how many were `short`; empty where there is one
    caller_ids        for each of several numbers that are shown, calls by outcome; empty where there is one
    short_answers     answered calls that were over before enough was said; None without `retry.answered_short`
    ended_by          ended calls by what showed their end; the sweep settled all but `receipt` and `list`
    unknown_contacts  contacts with the final status unknown: their call may have reached them
    cost              what its calls cost so far, by currency; empty without prices
    cost_per_reached  the same for each contact that was reached
    rejects           rows of the list that were not called; of these `left_out` are no reason to correct it
    unwanted          rows that `contacts.where` leaves out, which are not among the rejects
    """

    campaign: str
    name: str
    account: str
    rehearsal: bool
    status: CampaignStatus
    reason: str | None
    started_at: datetime | None
    finished_at: datetime | None
    contacts: int
    final: Mapping[str, int]
    open: Mapping[str, int]
    reasons: Sequence[ReasonCount]
    outcomes: Mapping[str, int]
    responses: Mapping[str, int]
    reminders: Mapping[str, Mapping[str, int]]
    variants: Mapping[str, Mapping[str, int]]
    caller_ids: Mapping[str, Mapping[str, int]]
    short_answers: int | None
    ended_by: Mapping[str, int]
    attempts: int
    requests: int
    cost: Mapping[str, Decimal]
    cost_per_reached: Mapping[str, Decimal]
    unknown_contacts: int
    rejects: int
    left_out: int
    unwanted: int
    rejects_file: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Totals):
    """The totals of a campaign, and the absolute paths of its files.

    unknown_calls   the first of the calls with an unknown result, `unknown_count` in all; `unknown_file` has all, and
                    is None where there is none
    caller_ids_file  its numbers with how many of their calls were answered; None where it shows one
    follow_up_file  contacts that were not reached, in the list's own columns; None where there is none
    """

    attempts_file: Path
    contacts_file: Path
    unknown_calls: Sequence[UnknownCall]
    unknown_count: int
    unknown_file: Path | None
    caller_ids_file: Path | None
    follow_up_file: Path | None


def report(ledger: Ledger, campaign_id: str, folder: Path) -> Report:
    """Write the CSV files into `folder` and return the totals; of an archived campaign, its archive's files.

    Raises NoSuchCampaign.
    """
    with ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        if archive := archive_of(db, campaign.id):
            return _archived_report(db, campaign, archive)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with files_locked(folder, shared=True), ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        attempts_file = folder / f"{campaign.id}-attempts.csv"
        contacts_file = folder / f"{campaign.id}-contacts.csv"
        write_csv(attempts_file, ATTEMPT_COLUMNS, attempt_lines(db, campaign.id))
        write_csv(contacts_file, CONTACT_COLUMNS, contact_lines(db, campaign.id))
        first_unknown, unknown_count, unknown_file = _write_unknown_calls(db, campaign.id, folder)
        return Report(
            **_totals(db, campaign),
            attempts_file=attempts_file.absolute(),
            contacts_file=contacts_file.absolute(),
            unknown_calls=first_unknown,
            unknown_count=unknown_count,
            unknown_file=unknown_file,
            caller_ids_file=_write_caller_ids(db, campaign, folder),
            follow_up_file=_write_follow_up(db, campaign, folder),
        )


def _archived_report(db: Connection, campaign: Campaign, archive: Archive) -> Report:
    return Report(
        **_totals(db, campaign),
        attempts_file=archive.file_of("attempts"),
        contacts_file=archive.file_of("contacts"),
        caller_ids_file=None,
        unknown_calls=(),
        unknown_count=0,
        unknown_file=None,
        follow_up_file=None,
    )


def totals(ledger: Ledger, campaign_id: str) -> Totals:
    """The totals alone: nothing is written. Raises NoSuchCampaign."""
    with ledger.reading() as db:
        return totals_of(db, queries.campaign(db, campaign_id))


def totals_of(db: Connection, campaign: Campaign) -> Totals:
    """The totals of a campaign that was read."""
    return Totals(**_totals(db, campaign))


def _totals(db: Connection, campaign: Campaign) -> dict[str, Any]:
    counts = contacts_by_status(db, campaign.id)
    calls = attempt_counts(db, campaign.id)
    rejected = rejected_by_code(db, campaign.id)
    cost = costs_of(db, [campaign.id])
    return {
        "campaign": campaign.id,
        "name": campaign.name,
        "account": campaign.account,
        "rehearsal": campaign.rehearsal,
        "status": campaign.status,
        "reason": campaign.reason,
        "started_at": campaign.started_at,
        "finished_at": campaign.finished_at,
        "contacts": sum(counts.values()),
        "final": {final.value: counts[final] for final in FINAL_CONTACTS if counts.get(final)},
        "open": {status.value: count for status, count in counts.items() if status not in FINAL_CONTACTS},
        "reasons": reasons_not_reached(db, campaign.id),
        "outcomes": summed(calls, lambda count: count.outcome),
        "responses": responses_of(db, campaign, counts.get(ContactStatus.REACHED, 0)),
        "reminders": reminders_of(db, campaign),
        "variants": variants_of(db, campaign),
        "caller_ids": caller_ids_of(db, campaign),
        "short_answers": short_answers_of(db, campaign),
        "ended_by": summed(calls, lambda count: count.ended_by),
        "attempts": sum(count.number for count in calls if count.counted),
        "requests": sum(count.number for count in calls),
        "cost": cost,
        "cost_per_reached": for_each(cost, counts.get(ContactStatus.REACHED, 0)),
        "unknown_contacts": counts.get(ContactStatus.UNKNOWN, 0),
        "rejects": campaign.rejects,
        "left_out": sum(rejected.get(code, 0) for code in NOT_BLOCKING - {RejectCode.NOT_WANTED}),
        "unwanted": rejected.get(RejectCode.NOT_WANTED, 0),
        "rejects_file": campaign.rejects_file,
    }


def for_each(cost: Mapping[str, Decimal], number: int) -> dict[str, Decimal]:
    """A cost by currency, shared out among so many; empty where there are none."""
    return {currency: amount(millionths(total / number)) for currency, total in cost.items()} if number else {}


def responses_of(db: Connection, campaign: Campaign, reached: int) -> dict[str, int]:
    """Contacts by what they pressed, and of those reached the others as `none`; empty where no keys are asked for."""
    if not campaign.definition.responses:
        return {}
    given = contacts_by_response(db, campaign.id)
    silent = max(0, reached - sum(given.values()))
    return given | ({NO_RESPONSE: silent} if silent else {})


def reminders_of(db: Connection, campaign: Campaign) -> dict[str, dict[str, int]]:
    """Calls by outcome for each of several reminders of an appointment; empty where the campaign has none."""
    labels = campaign.definition.reminder_labels
    calls = calls_by_reminder(db, campaign.id) if labels else {}
    return {label: calls.get(number, {}) for number, label in enumerate(labels, 1)}


def variants_of(db: Connection, campaign: Campaign) -> dict[str, dict[str, int]]:
    """Calls by outcome for each of several texts; empty where the campaign has one."""
    message = campaign.definition.message
    calls = calls_by_variant(db, campaign.id) if message and message.variants else {}
    return {name: calls.get(name, {}) for name in message.variants} if message else {}


def caller_ids_of(db: Connection, campaign: Campaign) -> dict[str, dict[str, int]]:
    """Calls by outcome for each of several numbers that are shown; empty where the campaign shows one."""
    shown, calls = campaign.definition.caller_id, calls_by_caller_id(db, campaign.id)
    numbers = dict.fromkeys([*shown.numbers, *calls])
    return {number: calls.get(number, {}) for number in numbers} if shown.are_shared_out or len(calls) > 1 else {}


def caller_id_lines(db: Connection, campaign: Campaign) -> Iterator[list[str]]:
    """Each number that is shown, as cells of CALLER_ID_COLUMNS."""
    for number, calls in caller_ids_of(db, campaign).items():
        ended, answered = sum(calls.values()), sum(calls.get(outcome, 0) for outcome in REACHED)
        share = f"{answered / ended:.3f}" if ended else ""
        yield [csv_cell(cell) for cell in (number, ended, answered, share)]


def short_answers_of(db: Connection, campaign: Campaign) -> int | None:
    """Answered calls that were over before enough was said; None where the campaign does not say how much is enough."""
    retry = campaign.definition.retry
    return short_answers(db, campaign.id) if retry and retry.answered_short else None


@contextmanager
def files_locked(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Lock the folder's files: reports share the lock, an erasure has it alone.

    Otherwise a report that read the ledger before an erasure would write the erased person into its files again.
    """
    if not folder.is_dir():  # nothing has been written here yet
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write_follow_up(db: Connection, campaign: Campaign, folder: Path) -> Path | None:
    """Write the follow-up file, or remove it when no contact is to be followed up."""
    file = folder / f"{campaign.id}-follow-up.csv"
    rows = GivenLists(db, [campaign], numbers=True, follow_up=True)
    lines = rows.lines()
    first = next(lines, None)
    if first is None:
        file.unlink(missing_ok=True)
        return None
    write_csv(file, rows.columns, chain([first], lines))
    return file.absolute()


def _write_caller_ids(db: Connection, campaign: Campaign, folder: Path) -> Path | None:
    lines = list(caller_id_lines(db, campaign))
    if not lines:
        return None
    file = folder / f"{campaign.id}-caller-ids.csv"
    write_csv(file, CALLER_ID_COLUMNS, lines)
    return file.absolute()


def _write_unknown_calls(
    db: Connection, campaign_id: str, folder: Path
) -> tuple[Sequence[UnknownCall], int, Path | None]:
    """Write the file of unknown calls, or remove it when there is none; returns the first, their number, the file."""
    file = folder / f"{campaign_id}-unknown.csv"
    first: list[UnknownCall] = []
    count = 0

    def lines() -> Iterable[list[str]]:
        nonlocal count
        for call in unknown_calls(db, campaign_id):
            count += 1
            first.extend([call][: UNKNOWN_SHOWN - len(first)])
            yield unknown_line(call)

    write_csv(file, UNKNOWN_COLUMNS, lines())
    if not first:
        file.unlink(missing_ok=True)
    return first, count, file.absolute() if first else None
