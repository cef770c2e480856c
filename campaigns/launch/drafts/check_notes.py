"""How the check of a draft stands: kept beside its list, in one file while it goes on, in another once it is over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from campaigns.audience.rejects import Reject
from campaigns.definition.yaml_source import DefinitionFaults, FileFault
from campaigns.launch.checking.checks import CheckResult
from campaigns.launch.drafts.file_drafts import FileDraft, no_such_draft
from dialer.errors import DialerError
from dialer.whole_file import whole_file

ASKED, CHECKED = "check-asked.json", "check.json"
PATIENCE = timedelta(seconds=30)  # after which it is said that nothing has been heard of a worker


class NoCheck(DialerError):
    """The draft was never checked."""


class CheckStage(StrEnum):
    """How far the check of a draft is."""

    WAITING = "waiting"  # for a worker
    READING = "reading"
    DONE = "done"
    FAILED = "failed"  # the list cannot be read at all, or the definition is at fault


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedList:
    """What a check says of a list; the names are those of `dialer check --json`. `rejected` are the first 1,000."""

    contacts: int
    summary: Mapping[str, int]
    bad: int
    warnings: Sequence[str]
    rejected: Sequence[Reject] = field(repr=False)

    @classmethod
    def of(cls, checked: CheckResult, now: datetime) -> CheckedList:
        """What is kept of a check; nothing of the rows themselves."""
        facts = ("line", "column", "code", "reason", "suggestion")
        return cls(
            contacts=checked.summary.will_dial,
            summary=dict(checked.summary.lines()),
            bad=checked.bad_rows,
            warnings=checked.all_warnings(now),
            rejected=[Reject(**{name: getattr(reject, name) for name in facts}) for reject in checked.rejects],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFault:
    """Why a check failed: the class of the error, its words, and the faults of the definition."""

    kind: str
    message: str
    remedy: str
    faults: Sequence[FileFault] = ()

    @classmethod
    def of(cls, error: DialerError) -> CheckFault:
        """An error as it is kept."""
        faults = error.faults if isinstance(error, DefinitionFaults) else ()
        return cls(kind=type(error).__name__, message=error.message, remedy=error.remedy, faults=faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckNote:
    """The last check of a draft, and how far it is.

    heard_at       when a worker last said how far it is; None before it was handed to one
    tries          how often it was begun
    rows_expected  about how many rows the list has; 0 until it is opened
    result         once it is done
    fault          once it has failed
    """

    stage: CheckStage
    asked_at: datetime
    asked_by: str
    heard_at: datetime | None = None
    tries: int = 0
    rows_read: int = 0
    rows_expected: int = 0
    result: CheckedList | None = field(default=None, repr=False)
    fault: CheckFault | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is done, or has failed."""
        return self.stage in (CheckStage.DONE, CheckStage.FAILED)

    def trouble(self, now: datetime) -> str:
        """What keeps it, in words; blank where nothing does."""
        if self.is_over:
            return ""
        if self.stage is CheckStage.WAITING and now - self.asked_at > PATIENCE:
            return "no worker has taken it up yet: is one running, with the data folder of this console?"
        if self.stage is CheckStage.READING and self.heard_at and now - self.heard_at > PATIENCE:
            return "nothing has been heard of the worker that reads the list: another one will begin anew"
        return ""


def note_of(draft: FileDraft) -> CheckNote:
    """The last check of a draft, under way or over. Raises NoCheck."""
    for name in (ASKED, CHECKED):
        with suppress(FileNotFoundError):
            return _parsed(json.loads((draft.folder / name).read_text("utf-8")))
    raise NoCheck(f"{draft.id} was not checked", f"POST /api/v1/campaigns/{draft.id}/check")


def write_note(draft: FileDraft, note: CheckNote) -> None:
    """Keep how far a check is; once it is over, in the place of the one before. Raises NoSuchDraft: it was removed."""
    try:
        with whole_file(draft.folder / (CHECKED if note.is_over else ASKED)) as stream:
            json.dump(asdict(note), stream, default=str)
    except FileNotFoundError:
        raise no_such_draft(draft.id) from None
    if note.is_over:
        (draft.folder / ASKED).unlink(missing_ok=True)


def remove_notes(draft: FileDraft, *names: str) -> None:
    """Remove what is kept of checks: of the one under way (ASKED), of the one before (CHECKED)."""
    for name in names:
        (draft.folder / name).unlink(missing_ok=True)


def _parsed(facts: dict[str, Any]) -> CheckNote:
    for name in ("asked_at", "heard_at"):
        facts[name] = facts[name] and datetime.fromisoformat(facts[name])
    if (result := facts["result"]) is not None:
        facts["result"] = CheckedList(**result | {"rejected": [Reject(**reject) for reject in result["rejected"]]})
    if (fault := facts["fault"]) is not None:
        facts["fault"] = CheckFault(**fault | {"faults": [FileFault(**one) for one in fault["faults"]]})
    return CheckNote(**facts | {"stage": CheckStage(facts["stage"])})
