"""Lists of numbers that people upload: checked first, and put on the suppression list when somebody says so."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from campaigns.audience.formulas import harmless
from campaigns.audience.kept_lists import LIST, SUPPRESSION_UPLOADS
from campaigns.audience.rejects import Reject
from campaigns.ledger.store import Ledger
from campaigns.operations.suppression_files.importing import COLUMNS, ImportResult, import_file
from dialer.errors import DialerError
from dialer.whole_file import whole_file

KEPT = timedelta(days=1)
UPLOAD_ID = re.compile(r"(\d{1,12})-[0-9a-f]{24}")  # since when it is kept, in seconds, and a secret
TERMS, DONE = "terms.json", "done.json"
REJECT_COLUMNS = ("_line", "_reason", "_suggestion")


class NoSuchUpload(DialerError):
    """No uploaded list has this id, or it was removed after a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a list is read, and what holds for its numbers where it does not say so itself."""

    name: str  # of the file, as it was uploaded
    reason: str
    account: str
    country: str | None
    expires_at: datetime | None
    encoding: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """How many entries an imported list has made."""

    added: int
    known: int
    expired: int
    rejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A list that waits for somebody to say that it is imported; `imported` once that was done."""

    id: str
    folder: Path
    terms: Terms
    imported: Imported | None

    @property
    def file(self) -> Path:
        """The list, until it is imported."""
        return self.folder / LIST


def keep(data_folder: Path, put_list: Callable[[Path], object], terms: Terms, *, now: datetime) -> Upload:
    """Keep a list for a day, readable by its owner alone; those that are older are removed."""
    uploads = data_folder / SUPPRESSION_UPLOADS
    uploads.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_old_uploads(data_folder, now)
    folder = uploads / f"{int(now.timestamp())}-{secrets.token_hex(12)}"
    folder.mkdir(mode=0o700)
    put_list(folder / LIST)
    _write(folder / TERMS, terms)
    return find(data_folder, folder.name)


def remove_old_uploads(data_folder: Path, now: datetime) -> None:
    """Remove the lists that were uploaded a day ago."""
    uploads = data_folder / SUPPRESSION_UPLOADS
    for earlier in uploads.iterdir() if uploads.is_dir() else ():
        since = UPLOAD_ID.fullmatch(earlier.name)
        if since is None or int(since[1]) < (now - KEPT).timestamp():
            shutil.rmtree(earlier, ignore_errors=True)


def find(data_folder: Path, upload_id: str) -> Upload:
    """The upload with this id. Raises NoSuchUpload."""
    folder = data_folder / SUPPRESSION_UPLOADS / upload_id
    if not UPLOAD_ID.fullmatch(upload_id) or not (folder / TERMS).is_file():
        raise NoSuchUpload("this uploaded list is not kept any more", "upload it again")
    terms = json.loads((folder / TERMS).read_text("utf-8"))
    ends = terms["expires_at"]
    done = folder / DONE
    return Upload(
        id=upload_id,
        folder=folder,
        terms=Terms(**terms | {"expires_at": datetime.fromisoformat(ends) if ends else None}),
        imported=Imported(**json.loads(done.read_text("utf-8"))) if done.is_file() else None,
    )


def change(upload: Upload, terms: Terms) -> None:
    """Read it otherwise from now on."""
    _write(upload.folder / TERMS, terms)


def check(ledger: Ledger, upload: Upload, *, encoding_setting: str, now: datetime) -> ImportResult:
    """What an import would do; nothing is put on the list. Raises BadContactsFile, NoNumbers, NoSuchUpload."""
    return _import(ledger, upload, upload.file, encoding_setting, who="", now=now, dry_run=True)


def start(ledger: Ledger, upload: Upload, *, encoding_setting: str, who: str, now: datetime) -> None:
    """Put its numbers on the list, and keep how many there were; once, however often it is asked for."""
    claimed = upload.folder / f".{LIST}"
    try:
        upload.file.rename(claimed)
    except FileNotFoundError:
        return
    try:
        result = _import(ledger, upload, claimed, encoding_setting, who=who, now=now, dry_run=False)
    except BaseException:
        claimed.rename(upload.file)
        raise
    counts = {"added": result.added, "known": result.known, "expired": result.expired}
    _write(upload.folder / DONE, Imported(**counts, rejected=len(result.rejects)))
    claimed.unlink()


def reject_cells(rejects: Sequence[Reject]) -> Iterator[Sequence[str]]:
    """The rows of a CSV file of rejects; corrected, it can be uploaded as it is."""
    exported = any(len(reject.cells) == len(COLUMNS) for reject in rejects)
    own = COLUMNS if exported else ("phone", "reason")
    yield (*own, *REJECT_COLUMNS)
    for reject in rejects:
        cells = [*reject.cells, *[""] * len(own)][: len(own)]
        yield [*map(harmless, cells), str(reject.line), harmless(reject.reason), harmless(reject.suggestion)]


def _import(
    ledger: Ledger, upload: Upload, file: Path, encoding_setting: str, *, who: str, now: datetime, dry_run: bool
) -> ImportResult:
    terms = upload.terms
    return import_file(
        ledger,
        file,
        country=terms.country,
        reason=terms.reason,
        account=terms.account,
        expires_at=terms.expires_at,
        encoding=terms.encoding,
        encoding_setting=encoding_setting,
        who=who,
        now=now,
        dry_run=dry_run,
    )


def _write(file: Path, facts: Terms | Imported) -> None:
    with whole_file(file) as stream:
        json.dump(asdict(facts), stream, default=str)
