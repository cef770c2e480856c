"""Checks of drafts: what is wrong with a list, and how many of it can be called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from campaigns.audience.progress import ProgressBar, no_progress
from campaigns.audience.rejects import Reject
from campaigns.launch.checking.checks import CheckResult, check
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.file_drafts import FileDraft, paths_left_out
from campaigns.launch.drafts.reading_notes import ReadingNote
from campaigns.launch.drafts.readings import CarryOut, Reading
from campaigns.launch.exclusions import Exclusions
from campaigns.ledger.store import Ledger
from dialer.account_settings import AccountSettings

REJECT_FACTS = ("line", "column", "code", "reason", "suggestion")
Accounts = Mapping[str, AccountSettings]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedList:
    """What a check says of a list; the names are those of `dialer check --json`. `rejected` are the first 1,000."""

    contacts: int
    summary: Mapping[str, int]
    bad: int
    warnings: Sequence[str]
    rejected: Sequence[Reject] = field(repr=False)


def checked_list(note: ReadingNote) -> CheckedList | None:
    """What came of a check; None before it is done."""
    if note.result is None:
        return None
    return CheckedList(**{**note.result, "rejected": [Reject(**reject) for reject in note.result["rejected"]]})


def check_carried_out(ledger: Ledger, accounts: Accounts) -> CarryOut:
    """What checks the list of a draft."""

    def carry_out(reading: Reading) -> ReadingNote:
        checked = check_draft(ledger, reading.draft, accounts, now=reading.clock(), progress=reading.progress)
        return reading.done(checked.summary.rows_read, asdict(_kept(checked, reading.clock())))

    return carry_out


def check_draft(
    ledger: Ledger,
    draft: FileDraft,
    accounts: Accounts,
    *,
    now: datetime,
    progress: ProgressBar = no_progress,
) -> CheckResult:
    """Read the whole list as `dialer check` does; all rejects are in `rejects_file`. Raises what `check` raises."""
    with paths_left_out(draft.folder):
        checked = check(
            draft.file,
            accounts,
            exclusions_for=lambda definition: Exclusions(ledger, definition, now),
            keep=False,
            progress=progress,
        )
        write_rejects(draft, checked)
    return checked


def write_rejects(draft: FileDraft, checked: CheckResult) -> None:
    """Keep all rejects of a list in the draft's `rejects_file`, in the place of those before."""
    draft.rejects_file.unlink(missing_ok=True)
    checked.write_rejects(draft.folder, file_drafts.REJECTS.removesuffix("-rejects.csv"))


def kept_rejects(checked: CheckResult) -> list[dict[str, Any]]:
    """The first rejects, without the rows themselves."""
    return [{name: getattr(reject, name) for name in REJECT_FACTS} for reject in checked.rejects]


def _kept(checked: CheckResult, now: datetime) -> CheckedList:
    """What is kept of a check; nothing of the rows themselves."""
    return CheckedList(
        contacts=checked.summary.will_dial,
        summary=dict(checked.summary.lines()),
        bad=checked.bad_rows,
        warnings=checked.all_warnings(now),
        rejected=[Reject(**facts) for facts in kept_rejects(checked)],
    )
