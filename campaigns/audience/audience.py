"""The contacts of a campaign: reads its list row by row; each row becomes a contact or a reject with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

from campaigns.audience.columns import Columns, Layout, find_columns
from campaigns.audience.files.download import download, is_url
from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.open_list import open_table
from campaigns.audience.files.ordering import Key, in_order, sort_key
from campaigns.audience.files.table import Row, Table
from campaigns.audience.first_lines import NOTHING, FirstLines, key_of, phone_of
from campaigns.audience.given_rows import GivenTable, given_table
from campaigns.audience.import_summary import VALID, ImportSummary
from campaigns.audience.progress import ProgressBar, no_progress
from campaigns.audience.rejects import Reject, RejectCode, RejectStore
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.audience.rows.row_batch import RowRejected
from campaigns.audience.rows.row_reader import Outcome, RowReader
from campaigns.audience.rows.row_texts import CheckScript
from campaigns.definition import Definition
from campaigns.definition.yaml_source import DefinitionFaults, FileFault
from dialer.errors import DialerError
from dialer.plural import counted

CAMPAIGN_WIDE_FAULTS = {"voice", "media"}  # fault codes whose cause is the campaign file, never a contact's text
ROWS_PER_BATCH, ROWS_AT_ONCE = 500, 50
CHARACTERS_PER_BATCH = 500_000

FindExcluded = Callable[[Sequence[str]], Mapping[str, tuple[RejectCode, str]]]
"""Takes numbers in E.164; returns those that must not be called now, each with the code and the reason."""


class ListChanged(DialerError):
    """The list was changed while it was being read."""


class Audience:
    """An opened list, not yet read. Reading keeps a batch of rows and the numbers read so far in memory.

    `find_excluded` is asked about each batch of contacts; those it names become rejects.
    """

    def __init__(
        self,
        definition: Definition,
        table: Table,
        reader: RowReader,
        find_excluded: FindExcluded | None = None,
        order_key: Key | None = None,
    ) -> None:
        self.definition = definition
        self.order_key = order_key
        self.file = table.file
        self.header = table.header
        self.reject_store = RejectStore(table.header)
        self._table = table
        self._reader = reader
        self._find_excluded = find_excluded
        self._duplicate_code = (
            RejectCode.LEFT_OUT_DUPLICATE if definition.contacts.duplicates == "first" else RejectCode.DUPLICATE
        )
        # Each of a standing campaign's contacts is an occasion of its own, such as an appointment.
        self._may_repeat = definition.contacts.standing and definition.contacts.key is not None
        self._counts: Counter[str] = Counter()
        self._stamp = table.stamp

    @property
    def rejects(self) -> list[Reject]:
        """The first rejects, at most 1,000; `reject_store` has all of them."""
        return self.reject_store.first

    @property
    def list_columns(self) -> Sequence[tuple[str, str | None]]:
        """The names of the list's columns as written, each with the name under which contacts have it among fields."""
        return self._reader.list_columns()

    def contacts(self, progress: ProgressBar = no_progress) -> Iterator[ContactRow]:
        """Every contact of the list, in the order of `contacts.order`. Each call reads the file again.

        At its end `reject_store` and `summary` are complete. `progress` counts the rejects too.
        """
        unsorted = self._contacts(progress)
        return in_order(unsorted, self.order_key) if self.order_key else unsorted

    def _contacts(self, progress: ProgressBar) -> Iterator[ContactRow]:
        self.reject_store.clear()
        for row in progress(self.rows(), self.estimated_rows()):
            if isinstance(row, Reject):
                self.reject_store.add(row)
            else:
                yield row

    def rows(self) -> Iterator[ContactRow | Reject]:
        """Every contact and every reject in the list's order, and `summary` counts them. Nothing is stored."""
        self._counts = Counter()
        rows = self._table.rows()
        with closing(FirstLines(phone_of)) as phones, closing(FirstLines(key_of)) as keys:
            while batch := _next_batch(rows):
                yield from self._counted(self._sorted(batch, self._reader.read(batch), phones, keys))

    def check_unchanged(self) -> None:
        """Raise ListChanged when the file has changed since it was opened: what was read may be incomplete."""
        if self._table.stamp != self._stamp:
            raise ListChanged(f"{self.file} was changed while it was being read", "wait until it is written whole")

    def estimated_rows(self) -> int:
        """About how many rows the list has, without reading them."""
        return self._table.estimated_rows()

    @property
    def summary(self) -> ImportSummary:
        """The counts of the rows read so far."""
        return ImportSummary.of(self._counts)

    @property
    def remarks(self) -> Sequence[str]:
        """Sentences about what of the list was not read, so far, though a person may have meant it to be."""
        return (*self._remarks(), *self._table.remarks)

    def _remarks(self) -> Iterator[str]:
        if hidden := self._counts[RejectCode.HIDDEN]:
            rows = counted(hidden, "row")
            yield f"{rows} that the sheet hides: left out (show hidden rows to have them called)"
        if unwanted := self._counts[RejectCode.NOT_WANTED]:
            rows = counted(unwanted, "row")
            yield f"{rows} left out by contacts.where"

    def _counted(self, results: Sequence[ContactRow | Reject]) -> Sequence[ContactRow | Reject]:
        self._counts.update([row.code if isinstance(row, Reject) else VALID for row in results])
        return results

    def _sorted(
        self, rows: Sequence[Row], outcomes: Sequence[Outcome], phones: FirstLines, keys: FirstLines
    ) -> Sequence[ContactRow | Reject]:
        """What was read of each row, or why it is not called: for its own sake, as a duplicate, or as excluded."""
        contacts = [outcome for outcome in outcomes if isinstance(outcome, ContactRow)]
        first_of = NOTHING if self._may_repeat else phones.of(contacts)
        first_of_key = keys.of(contacts) if self.definition.contacts.key else NOTHING
        results: Sequence[ContactRow | Reject] = contacts
        if first_of or first_of_key or len(contacts) < len(rows):
            results = [
                self._contact_or_reject(*read, first_of, first_of_key) for read in zip(rows, outcomes, strict=True)
            ]
        if self._find_excluded is None:
            return results
        excluded = self._find_excluded([result.e164 for result in results if isinstance(result, ContactRow)])
        if not excluded:
            return results
        return [self._unless_excluded(result, row, excluded) for result, row in zip(results, rows, strict=True)]

    def _contact_or_reject(
        self, row: Row, contact: Outcome, first_of: Mapping[int, int], first_of_key: Mapping[int, int]
    ) -> ContactRow | Reject:
        """Both have, by the lines of duplicates, the line where the same phone, or the same key, stands first."""
        if isinstance(contact, RowRejected):
            return contact.reject(row)
        first = first_of.get(row.line)
        if first is None and row.line in first_of_key:
            reason, advice = f"the same key stands in line {first_of_key[row.line]}", "give each row a key of its own"
            return RowRejected(RejectCode.DUPLICATE_KEY, self._reader.key_column(), reason, advice).reject(row)
        if first is None:
            return contact
        same = "the same number" if len(contact.phone.spellings) == 1 else "the same phone, which has two spellings,"
        reason = f"{same} stands in line {first}"
        return RowRejected(
            self._duplicate_code, self._reader.phone_column(row.cells), reason, "keep one of the two rows"
        ).reject(row)

    def _unless_excluded(
        self, result: ContactRow | Reject, row: Row, excluded: Mapping[str, tuple[RejectCode, str]]
    ) -> ContactRow | Reject:
        if isinstance(result, Reject) or result.e164 not in excluded:
            return result
        code, reason = excluded[result.e164]
        rejection = RowRejected(code, self._reader.phone_column(row.cells), reason)
        # An erased person's row is not kept.
        return rejection.reject(row._replace(cells=()) if code is RejectCode.ERASED else row)


def _next_batch(rows: Iterator[Row]) -> list[Row]:
    """The next rows, fewer where their cells are long: a batch is held in memory several times over."""
    batch: list[Row] = []
    characters = 0
    while len(batch) < ROWS_PER_BATCH and characters < CHARACTERS_PER_BATCH:
        some = list(islice(rows, ROWS_AT_ONCE))
        if not some:
            break
        batch += some
        characters += sum(map(len, chain.from_iterable(row.cells for row in some)))
    return batch


def open_list(definition: Definition, folder: Path) -> Table:
    """Open the list that a definition names, without reading its rows. One given by URL is downloaded into `folder`.

    `folder` is the campaign file's. A standing campaign begins without one. Raises BadContactsFile, DownloadFailed.
    """
    contacts, location = definition.contacts, definition.contacts.file
    if contacts.standing:
        return given_table(definition, [])
    file = (
        download(location, folder, definition.campaign, redirect_hosts=contacts.redirect_hosts)
        if is_url(location)
        else folder / location
    )
    return open_table(file, contacts.sheet, contacts.phone, encoding=contacts.encoding)


def read_audience(
    definition: Definition,
    table: Table,
    *,
    check_script: CheckScript | None = None,
    find_excluded: FindExcluded | None = None,
) -> Audience:
    """Read an opened list as contacts of a campaign; its rows are not read yet.

    `check_script` returns the fault of a script by the provider's limits, or None. Raises BadContactsFile for a file
    without rows, and DefinitionFaults when it lacks columns that the definition names, or when the message cannot be
    spoken for any contact.
    """
    columns = find_columns(definition, table)
    faults = list(_script_faults(definition, columns, check_script))
    if faults:
        raise DefinitionFaults(faults)
    if next(table.rows(), None) is None and not isinstance(table, GivenTable):
        raise BadContactsFile(f"{table.file}: the list has a header and no rows", "add a row for each contact")
    reader = RowReader(definition, Layout.of(table), columns, check_script)
    return Audience(definition, table, reader, find_excluded, sort_key(columns.order) if columns.order else None)


def _script_faults(definition: Definition, columns: Columns, check_script: CheckScript | None) -> Iterator[FileFault]:
    """Faults of the message that do not depend on a contact."""
    if check_script is None:
        return
    template = definition.template
    if definition.message is None:
        return
    text = template.render({}) if template and template.is_fixed else "test"
    fault = check_script(definition.script(text))
    if fault is not None and (definition.is_same_for_all or fault.code in CAMPAIGN_WIDE_FAULTS):
        key = "media" if template is None else "voice" if fault.code == "voice" else "tts"
        yield definition.fault(("message", key), fault.reason, fault.suggestion)
        return
    for name in columns.voice if template is not None else ():
        fault = check_script(definition.script("test", {name: "en-US"}))
        if fault is not None:
            yield definition.fault(("contacts", name), fault.reason, f"remove contacts.{name}")
