"""Starts a draft: its list is checked once more, as it and the ledger now are, while its contacts are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from campaigns.definition import Definition, load_definition
from campaigns.launch.checking.checks import CheckResult, open_audience, provider_of
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.draft_checks import write_rejects
from campaigns.launch.drafts.file_drafts import FileDraft, note_started, paths_left_out
from campaigns.launch.drafts.reading_notes import Purpose, ReadingNote
from campaigns.launch.drafts.readings import CarryOut, Reading, begin_reading
from campaigns.launch.exclusions import Exclusions
from campaigns.launch.launch import UncheckedList, launch, refuse_duplicate, refuse_too_late
from campaigns.ledger import queries
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.drafts import DraftGone
from campaigns.ledger.queries import NoSuchCampaign
from campaigns.ledger.store import Ledger
from campaigns.safeguards.start_account import StartAccount
from dialer.account_settings import AccountSettings


def begin_start(
    ledger: Ledger,
    draft: FileDraft,
    start: CarryOut,
    accounts: Mapping[str, AccountSettings],
    *,
    choose_account: Callable[[Definition], StartAccount],
    skip_rejects: bool,
    again: bool,
    who: str,
    clock: Callable[[], datetime],
) -> ReadingNote:
    """Start a draft, once, however many ask: one with a short list now; one with a long list is left to a worker.

    `start` is from `start_carried_out`. `choose_account` raises when none of its accounts can log in. Raises what
    `begin_reading` raises, and for a short list what `start` raises.
    """

    def refuse() -> None:
        with paths_left_out(draft.folder):
            definition = load_definition(draft.file)
            provider_of(definition, accounts)
            if not again:
                refuse_duplicate(ledger, definition)
            choose_account(definition)

    order = {"skip_rejects": skip_rejects, "again": again}
    return begin_reading(draft, Purpose.START, start, order=order, refuse=refuse, who=who, clock=clock)


def start_carried_out(
    ledger: Ledger,
    accounts: Mapping[str, AccountSettings],
    *,
    reports_folder: Path,
    second_person_above: int | None = None,
    choose_account: Callable[[Definition], StartAccount | None] = lambda definition: None,
) -> CarryOut:
    """What checks a draft and starts it. Its list is removed then: the contacts are in the ledger.

    It starts on the account that `choose_account` gives once the list was checked, else on the preferred one. It raises
    what `open_audience` and `launch` raise, and RowsRejected unless the order says `skip_rejects`.
    """

    def carry_out(reading: Reading) -> ReadingNote:
        draft, order, now = reading.draft, reading.note.order, reading.clock()

        def look(checked: CheckResult) -> StartAccount | None:
            write_rejects(draft, checked)
            checked.refuse_rejects(None, skip=order["skip_rejects"])
            refuse_too_late(checked, now)
            return choose_account(checked.definition)

        with paths_left_out(draft.folder):
            if (campaign_id := _started_before(ledger, reading.note)) is None:
                audience = open_audience(
                    draft.file, accounts, exclusions_for=lambda definition: Exclusions(ledger, definition, now)
                )
                campaign_id = launch(
                    ledger,
                    UncheckedList(
                        audience=audience,
                        accounts=accounts,
                        exclusions=True,
                        skip_rejects=order["skip_rejects"],
                        look=look,
                    ),
                    rejects_folder=reports_folder,
                    again=order["again"],
                    who=reading.note.asked_by,
                    now=now,
                    progress=reading.progress,
                    created=lambda created_id: reading.begun(campaign=created_id, created_at=now.isoformat()),
                    still_wanted=lambda db, campaign_id: _refuse_unwanted(reading),
                    second_person_above=second_person_above,
                ).id
        note_started(draft, campaign_id)
        return reading.done(reading.note.rows_read, {"campaign": campaign_id})

    return carry_out


def _started_before(ledger: Ledger, note: ReadingNote) -> str | None:
    """The campaign that whoever began before has started; what it has left of one that it has not is removed.

    Raises DraftGone: the campaign was cancelled while its contacts were written.
    """
    begun: Mapping[str, Any] | None = note.begun
    if begun is None:
        return None
    created_at = datetime.fromisoformat(begun["created_at"])
    drafts.discard(ledger, begun["campaign"], created_at)
    try:
        with ledger.reading() as db:
            campaign = queries.campaign(db, begun["campaign"])
    except NoSuchCampaign:
        return None
    if campaign.created_at != created_at:
        return None
    if campaign.started_at is None:
        raise DraftGone(f"{campaign.id} was cancelled while its contacts were written", "start the draft again")
    return campaign.id


def _refuse_unwanted(reading: Reading) -> None:
    """Raises NoSuchDraft when the draft was removed meanwhile, and Stopped when it is to be stopped."""
    file_drafts.find_any(reading.draft.folder.parent.parent, reading.draft.id)
    reading.refuse_stopped()
