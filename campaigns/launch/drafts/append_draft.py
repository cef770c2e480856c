"""Appends long lists to campaigns: each is kept in a folder as a draft's is, and a worker reads and appends it."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from campaigns.audience.kept_lists import LIST
from campaigns.launch.append import append, check_rows, open_for_append
from campaigns.launch.drafts import file_drafts, new_drafts
from campaigns.launch.drafts.draft_checks import kept_rejects, write_rejects
from campaigns.launch.drafts.file_drafts import BeingRead, FileDraft, alone, paths_left_out
from campaigns.launch.drafts.new_drafts import Cell
from campaigns.launch.drafts.reading_notes import Purpose, ReadingNote, note_under_way
from campaigns.launch.drafts.readings import CarryOut, Reading, begin_reading, is_long_list
from campaigns.ledger import queries
from campaigns.ledger.store import Ledger, LedgerUnavailable
from dialer.account_settings import AccountSettings
from dialer.errors import DialerError

HASHED_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenList:
    """A list that is to be appended: a file under the name that it came with, or `rows`, of which it is the CSV."""

    content: BinaryIO = field(repr=False)
    name: str = "list.csv"
    rows: Sequence[Mapping[str, Cell]] | None = field(default=None, repr=False)

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Cell]]) -> GivenList:
        """Rows by the names of their columns."""
        text = io.StringIO(newline="")
        new_drafts.write_rows(rows, text)
        return cls(content=io.BytesIO(text.getvalue().encode()), rows=rows)

    @property
    def is_long(self) -> bool:
        """Whether a worker is to append it."""
        return is_long_list(self.content)

    @contextmanager
    def source(self) -> Iterator[Path | Sequence[Mapping[str, Cell]]]:
        """It as `check_rows` takes it, for as long as the block runs, whose errors name the file as it came."""
        if self.rows is not None:
            yield self.rows
            return
        with TemporaryDirectory() as folder:
            file = Path(folder) / LIST
            self.write(file)
            try:
                yield file
            except DialerError as exc:
                exc.message, exc.remedy = (text.replace(f"{file}", self.name) for text in (exc.message, exc.remedy))
                raise

    def write(self, file: Path) -> None:
        """Write it into a file."""
        with file.open("wb") as stream:
            shutil.copyfileobj(self.content, stream)


def begin_append(
    ledger: Ledger,
    data_folder: Path,
    campaign_id: str,
    given: GivenList,
    carry_out: CarryOut,
    *,
    skip_rejects: bool,
    who: str,
    clock: Callable[[], datetime],
) -> tuple[FileDraft, ReadingNote]:
    """Keep a long list that is to be appended to a campaign, and leave it to a worker.

    The same list sent again while it is being appended is appended once. Raises NoSuchCampaign, CannotAppend.
    """
    campaign = open_for_append(ledger, campaign_id)
    order = {"skip_rejects": skip_rejects, "rows": given.rows is not None}
    kept_name, token = new_drafts.kept_list_name(given.name), _token(campaign.id, given.content, order)

    def fill(folder: Path) -> Mapping[str, Any]:
        given.write(new_drafts.new_file(folder / kept_name))
        return {"name": campaign.id, "account": campaign.account, "appends_to": campaign.id}

    _remove_ended(data_folder, f"{campaign.id}.{token}")
    draft = new_drafts.keep(ledger, data_folder, fill, token=token, event=None, who=who, now=clock())
    return draft, begin_reading(draft, Purpose.APPEND, carry_out, order=order, who=who, clock=clock)


def find_append(ledger: Ledger, data_folder: Path, campaign_id: str, append_id: str) -> FileDraft:
    """A list that is appended to this campaign, or was within a week. Raises NoSuchCampaign, NoSuchDraft."""
    with ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
    draft = file_drafts.find_any(data_folder, append_id)
    if draft.appends_to != campaign.id:
        raise file_drafts.no_such_draft(append_id)
    return draft


def append_carried_out(ledger: Ledger, accounts: Mapping[str, AccountSettings]) -> CarryOut:
    """What checks a list and appends its rows; the list is removed then. Raises what `check_rows` and `append` raise.

    Taken up again, it finds what was appended before: those rows are told as `same`.
    """

    def carry_out(reading: Reading) -> ReadingNote:
        draft = reading.draft
        try:
            with paths_left_out(draft.folder):
                note = _appended(ledger, accounts, reading)
        except LedgerUnavailable:
            raise
        except DialerError:
            _remove_list(draft)
            raise
        _remove_list(draft)
        return note

    return carry_out


def _appended(ledger: Ledger, accounts: Mapping[str, AccountSettings], reading: Reading) -> ReadingNote:
    draft, now, campaign_id = reading.draft, reading.clock(), reading.draft.appends_to or ""
    (list_file,) = draft.folder.glob(f"{LIST}.*")
    source = _rows(list_file) if reading.note.order["rows"] else list_file
    checked = check_rows(ledger, campaign_id, source, accounts, now=now, progress=reading.progress)
    write_rejects(draft, checked)
    checked.refuse_rejects(None, skip=reading.note.order["skip_rejects"], undone="appended")
    result = append(ledger, campaign_id, checked, who=reading.note.asked_by, now=now, progress=reading.writing)
    return reading.done(checked.summary.rows_read, {**asdict(result), "rejects": kept_rejects(checked)})


def _rows(list_file: Path) -> Sequence[Mapping[str, str]]:
    """Rows as they were given: their first is line 1, and not the names of the columns."""
    with list_file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _token(campaign_id: str, content: BinaryIO, order: Mapping[str, bool]) -> str:
    """Another one for another campaign, content or order."""
    hashed = sha256(f"{campaign_id}\n{order}\n".encode())
    content.seek(0)
    while part := content.read(HASHED_AT_ONCE):
        hashed.update(part)
    content.seek(0)
    return hashed.hexdigest()[:12]


def _remove_ended(data_folder: Path, append_id: str) -> None:
    """Remove what is left of the same list that was appended before: it is sent again."""
    try:
        draft = file_drafts.find_any(data_folder, append_id)
        with alone(draft):
            if note_under_way(draft) is None:
                shutil.rmtree(draft.folder, ignore_errors=True)
    except (BeingRead, file_drafts.NoSuchDraft):
        pass


def _remove_list(draft: FileDraft) -> None:
    for file in draft.folder.glob(f"{LIST}.*"):
        file.unlink(missing_ok=True)
