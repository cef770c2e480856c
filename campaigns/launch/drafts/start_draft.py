"""Starts a draft: checks it once more, as its list and the ledger now are, and launches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from campaigns.launch.drafts.check_notes import ASKED, CHECKED, remove_notes
from campaigns.launch.drafts.draft_checks import check_draft
from campaigns.launch.drafts.file_drafts import FileDraft, alone, note_started, paths_left_out
from campaigns.launch.launch import launch, refuse_duplicate, refuse_too_late
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from dialer.account_settings import AccountSettings


def start_draft(
    ledger: Ledger,
    draft: FileDraft,
    accounts: Mapping[str, AccountSettings],
    *,
    check_login: Callable[[str], None],
    skip_rejects: bool,
    again: bool,
    reports_folder: Path,
    who: str,
    now: datetime,
    second_person_above: int | None = None,
) -> Campaign:
    """Check it and start it, once, however many ask. Its list is removed: the contacts are in the ledger.

    `check_login` is given the account, and raises when it cannot log in. Raises what `check` and `launch` raise,
    RowsRejected unless `skip_rejects`, AlreadyStarted, and BeingRead while a check or another start reads the list.
    """
    with alone(draft), paths_left_out(draft.folder):
        checked = check_draft(ledger, draft, accounts, now=now, keep=True)
        if not again:
            refuse_duplicate(ledger, checked.definition)
        checked.refuse_rejects(None, skip=skip_rejects)
        refuse_too_late(checked, now)
        check_login(checked.definition.account)
        facts: dict[str, Any] = {"who": who, "now": now, "second_person_above": second_person_above}
        campaign = launch(ledger, checked, rejects_folder=reports_folder, again=again, **facts)
        note_started(draft, campaign.id)
        remove_notes(draft, ASKED, CHECKED)
    return campaign
