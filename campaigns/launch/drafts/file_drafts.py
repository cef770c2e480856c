"""Drafts in files: campaigns that programs have created, each with its list, kept until they are started."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from campaigns.audience.kept_lists import DRAFTS, LIST
from campaigns.ledger import queries
from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger
from dialer.errors import DialerError
from dialer.whole_file import whole_file

CAMPAIGN_FILE, ABOUT, REJECTS = "campaign.yaml", "about.json", "draft-rejects.csv"
DRAFT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\.[0-9a-f]{12}")  # with a dot, which no campaign's name or id has
KEPT_FOR = timedelta(days=7)


class NoSuchDraft(DialerError):
    """No draft has this id: it was never created, or was removed."""


class NotStarted(DialerError):
    """The draft has not been started, so there is no campaign to look at or to act on."""


class AlreadyStarted(DialerError):
    """The draft was started."""


class BeingRead(DialerError):
    """The list of the draft is being read, by a check or a start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDraft:
    """A campaign that was created and waits to be started. `started` is the id of the campaign that it became.

    `appends_to` is the id of the campaign to which a list is appended: then it is that list, and no campaign.
    """

    id: str
    folder: Path
    name: str
    account: str
    created_at: datetime
    created_by: str
    scheduled: bool = False
    started: str | None = None
    appends_to: str | None = None

    @property
    def file(self) -> Path:
        """Its campaign file; the list stands beside it."""
        return self.folder / CAMPAIGN_FILE

    @property
    def rejects_file(self) -> Path:
        """The rejects of its last check, where it had any."""
        return self.folder / REJECTS


def new_token() -> str:
    """A token by which one draft is made, however often it is asked for."""
    return secrets.token_hex(6)


def find(data_folder: Path, draft_id: str) -> FileDraft:
    """The draft with this id, started or not. Raises NoSuchDraft."""
    draft = find_any(data_folder, draft_id)
    if draft.appends_to is not None:
        raise no_such_draft(draft_id)
    return draft


def find_any(data_folder: Path, draft_id: str) -> FileDraft:
    """The same, also where it is a list that is appended to a campaign. Raises NoSuchDraft."""
    folder = data_folder / DRAFTS / draft_id
    try:
        if not DRAFT_ID.fullmatch(draft_id):
            raise FileNotFoundError
        about = json.loads((folder / ABOUT).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise no_such_draft(draft_id) from None
    return FileDraft(**about | {"created_at": datetime.fromisoformat(about["created_at"])}, id=draft_id, folder=folder)


def listed(data_folder: Path) -> list[FileDraft]:
    """The drafts that were not started, the newest first."""
    folders = [folder.name for folder in (data_folder / DRAFTS).glob("*.*") if DRAFT_ID.fullmatch(folder.name)]
    drafts = [find_any(data_folder, name) for name in folders]
    waiting = [draft for draft in drafts if draft.started is None and draft.appends_to is None]
    return sorted(waiting, key=lambda draft: draft.created_at, reverse=True)


def campaign_of(data_folder: Path, campaign_id: str) -> str:
    """The campaign's id, also where a draft's is given that has become one. Raises NoSuchDraft, NotStarted."""
    if "." not in campaign_id:
        return campaign_id
    draft = find(data_folder, campaign_id)
    if draft.started is None:
        raise NotStarted(f"{draft.id} was created and has not been started", f"POST /api/v1/campaigns/{draft.id}/start")
    return draft.started


def rejects_of(ledger: Ledger, data_folder: Path, campaign_id: str) -> Path | None:
    """The file of the rows that were rejected: by a draft's last check, or at the start of the campaign that it became.

    None where none was. Raises NoSuchDraft, NoSuchCampaign.
    """
    draft = find(data_folder, campaign_id) if "." in campaign_id else None
    if draft is not None and draft.started is None:
        return draft.rejects_file if draft.rejects_file.is_file() else None
    with ledger.reading() as db:
        written = queries.campaign(db, draft.started if draft and draft.started else campaign_id).rejects_file
    return Path(written) if written and Path(written).is_file() else None


def remove(ledger: Ledger, draft: FileDraft, *, who: str, now: datetime) -> None:
    """Remove a draft and its list; a campaign that it became goes on."""
    removed = draft.folder.with_name(f".{secrets.token_hex(6)}")  # a worker that reads the list writes nothing there
    with suppress(FileNotFoundError):
        draft.folder.rename(removed)
    shutil.rmtree(removed, ignore_errors=True)
    ledger.write(write_audit, now, who=who, event="draft removed", detail=draft.id)


def keep_for_schedule(draft: FileDraft) -> None:
    """Keep the draft and its list for good: a schedule launches them."""
    change_about(draft, scheduled=True)


def change_about(draft: FileDraft, **facts: object) -> None:
    """Change what is noted of a draft beside its definition: its name, account, and what became of it."""
    about = json.loads((draft.folder / ABOUT).read_text("utf-8"))
    write_about(draft.folder, about | facts)


def note_started(draft: FileDraft, campaign_id: str) -> None:
    """Note the campaign that the draft has become. Its contacts are in the ledger, so its list is removed."""
    change_about(draft, started=campaign_id)
    if not draft.scheduled:
        for file in (*draft.folder.glob(f"{LIST}.*"), draft.rejects_file):
            file.unlink(missing_ok=True)


def refuse_started(draft: FileDraft) -> None:
    """Raises AlreadyStarted when the draft has become a campaign."""
    if draft.started is not None:
        raise AlreadyStarted(f"{draft.id} was started: it is {draft.started}", f"GET /api/v1/campaigns/{draft.started}")


@contextmanager
def alone(draft: FileDraft) -> Iterator[None]:
    """Let nobody else check or start the draft in this block. Raises BeingRead, AlreadyStarted, NoSuchDraft."""
    try:
        handle = os.open(draft.folder, os.O_RDONLY)
    except FileNotFoundError:
        raise no_such_draft(draft.id) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BeingRead(f"the list of {draft.id} is being read", "wait until it was") from None
        refuse_started(find_any(draft.folder.parent.parent, draft.id))
        yield
    finally:
        os.close(handle)


@contextmanager
def paths_left_out(folder: Path) -> Iterator[None]:
    """Errors of the block name files as they are in the draft's folder, not where they are on this machine."""
    try:
        yield
    except DialerError as exc:
        for path in (f"{folder.absolute()}/", f"{folder}/"):
            exc.message, exc.remedy = exc.message.replace(path, ""), exc.remedy.replace(path, "")
        raise


def no_such_draft(draft_id: str) -> NoSuchDraft:
    """The error for an id that no draft has."""
    remedy = "create it: POST /api/v1/campaigns; what waits to be started: GET /api/v1/drafts"
    return NoSuchDraft(f"no campaign {draft_id[:80]!r} waits to be started", remedy)


def with_token(data_folder: Path, token: str) -> FileDraft | None:
    """The draft that was made with this token; None where none was."""
    folder = next((data_folder / DRAFTS).glob(f"[A-Za-z0-9]*.{token}"), None)
    return find_any(data_folder, folder.name) if folder else None


def remove_old_drafts(data_folder: Path, now: datetime) -> None:
    """Remove drafts that were made a week ago, with their lists; those of schedules stay."""
    drafts = data_folder / DRAFTS
    for folder in drafts.iterdir() if drafts.is_dir() else ():
        try:
            about = json.loads((folder / ABOUT).read_text("utf-8"))
            old = datetime.fromisoformat(about["created_at"]) < now - KEPT_FOR and not about.get("scheduled")
        except (OSError, ValueError, KeyError):
            old = folder.stat().st_mtime < (now - KEPT_FOR).timestamp()  # of a process that was killed
        if old:
            shutil.rmtree(folder, ignore_errors=True)


def write_about(folder: Path, about: Mapping[str, object]) -> None:
    """Write what is noted of the draft in this folder, whole."""
    with whole_file(folder / ABOUT) as stream:
        json.dump(about, stream)
