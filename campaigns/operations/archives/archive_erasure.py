"""What is emptied in archives: of a person who is erased, and of a campaign whose time is over."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Table

from campaigns.ledger.lists import archives
from campaigns.ledger.lists.archives import Archive
from campaigns.ledger.numbers.erasures import CONTENT, ERASED, TIMING
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts, receipts
from campaigns.operations.archives.archive_files import ArchiveFiles, read_rows, write_rows
from campaigns.operations.archives.archive_walk import Walked, walk
from campaigns.retention_periods import Kept

PERSONAL = {
    "contacts": dict.fromkeys((*CONTENT, *TIMING, "corrected"), "") | {"phone": ERASED, "reason": ERASED},
    "attempts": dict.fromkeys(("detail", "corrected", "local_time", "zone"), ""),
    "receipts": {"body": ERASED, "pressed": ""},
}
OF_A_KIND: Mapping[Kept, Mapping[str, Mapping[str, str]]] = {
    Kept.TEXTS: {"contacts": {name: PERSONAL["contacts"][name] for name in ("text", "voice")}},
    Kept.RECEIPTS: {"receipts": PERSONAL["receipts"]},
    Kept.CONTACTS: PERSONAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedArchives:
    """Files of archives that were written anew, or could not be, and manifests of those that are not on this machine.

    `campaigns` are those of the archives that have the number.
    """

    rewritten: Sequence[Path]
    left: Sequence[Path]
    elsewhere: Sequence[Path]
    campaigns: Sequence[str]


def erase_in_archives(ledger: Ledger, hashes: Collection[str]) -> ErasedArchives:
    """Empty what archives hold of a number with these hashes."""
    with ledger.reading() as db:
        noted = archives.all_archives(db)
    walked = walk(noted, lambda files: _empty(ledger, files, hashes))
    had_number = [files for files, emptied in walked.done if emptied]
    return ErasedArchives(
        rewritten=[file for files in had_number for file in files.all],
        left=[file for files in walked.damaged for file in files.all],
        elsewhere=[files.manifest for files in walked.elsewhere],
        campaigns=[files.campaign for files in had_number],
    )


def rows_of_kind(archive: Archive, kept: Kept) -> int | None:
    """How many rows of an archive have this kind of data; None where its files are not on this machine, or damaged."""
    table = "receipts" if kept is Kept.RECEIPTS else "contacts"
    try:
        rows: int = ArchiveFiles.noted(archive).read_manifest()["files"][table]["rows"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return rows


def empty_archive(ledger: Ledger, archive: Archive, kept: Kept) -> Walked[int | None]:
    """Empty this kind of data of everybody in one archive; what came of it is the number of its rows.

    Where its files are damaged, what was done is done.
    """

    def empty(files: ArchiveFiles) -> int | None:
        for table in archives.MOVED:
            if personal := OF_A_KIND[kept].get(table.name):
                _rewrite(files.of(table), personal)
        _describe(ledger, files, without_reasons=kept is Kept.CONTACTS)
        return rows_of_kind(archive, kept)

    return walk([archive], empty)


def _empty(ledger: Ledger, files: ArchiveFiles, hashes: Collection[str]) -> bool:
    """Write the files anew where they have the number. A run that was killed is made up for by the next."""
    ids = _ids(files, contacts, "phone_hash", hashes)
    if not ids:
        return False
    calls = _ids(files, attempts, "contact_id", ids)
    for table, column, of_person in ((receipts, "attempt_id", calls), (attempts, "id", calls), (contacts, "id", ids)):
        _rewrite(files.of(table), PERSONAL[table.name], column, of_person)
    _describe(ledger, files)
    return True


def _describe(ledger: Ledger, files: ArchiveFiles, *, without_reasons: bool = False) -> None:
    """Write the manifest for files that were written anew, and note its hash.

    Its totals have the reasons why people were not reached, which the provider or an operator may have worded.
    """
    described = {"version", "files"}
    facts = {name: fact for name, fact in files.read_manifest().items() if name not in described}
    if without_reasons:
        facts["totals"]["reasons"] = [[status, ERASED, number] for status, _, number in facts["totals"]["reasons"]]
    files.write_manifest(facts)
    ledger.write(archives.note_rewritten, files.campaign, files.hash())


def _ids(files: ArchiveFiles, table: Table, column: str, values: Collection[str]) -> set[str]:
    """The ids of the rows that have one of these values."""
    rows = read_rows(files.of(table))
    names = next(rows, [])
    place, own = names.index(column), names.index("id")
    return {cells[own] for cells in rows if cells[place] in values}


def _rewrite(file: Path, personal: Mapping[str, str], column: str | None = None, values: Collection[str] = ()) -> None:
    """Write a file anew, with what is personal emptied in the rows that have one of these values, or in all."""
    rows = read_rows(file)
    names = next(rows, [])
    changes = [(names.index(name), text) for name, text in personal.items()]
    place = None if column is None else names.index(column)
    write_rows(file, names, _changed(rows, place, values, changes))


def _changed(
    rows: Iterator[list[str]], place: int | None, values: Collection[str], changes: list[tuple[int, str]]
) -> Iterator[list[str]]:
    for cells in rows:
        if place is None or cells[place] in values:
            for changed, text in changes:
                cells[changed] = text
        yield cells
