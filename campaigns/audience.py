"""The contacts of a campaign: its list read row by row, and every row either a contact or a reject with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from campaigns import calendar
from campaigns.columns import Columns, find_columns
from campaigns.definition import Definition
from campaigns.encoding import BadContactsFile
from campaigns.rejects import Code, Reject
from campaigns.source import DefinitionFaults, Fault
from campaigns.table import Row, Table, open_table
from campaigns.texts import BadText, MissingVariable
from dialer import phone
from dialer.calls import Script
from dialer.phone import BadPhoneNumber, PhoneNumber
from dialer.providers.provider import ScriptFault

CheckScript = Callable[[Script], ScriptFault | None]
INVALID = (Code.INVALID_NUMBER, Code.EMPTY_NUMBER)
SUMMARY_ORDER = (
    *("rows_read", "valid", "duplicate_in_file", "duplicate_in_campaign", "on_dnc", "invalid_number"),
    *("missing_variable", "text_too_long", "other", "will_dial"),
)
OF_THE_DEFINITION = {"voice", "media"}  # faults that no text of any contact can cause


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRow:
    """One contact of the list, fit to be called. `fields` holds its other columns under names templates can write.

    `zone` is its own, else that of its number (all it may be in, with commas between), else the schedule's;
    None only where nothing tells one and the campaign needs none.
    """

    line: int
    phone: PhoneNumber
    fields: Mapping[str, str] = field(repr=False)
    zone: str | None
    not_after: datetime | None
    text: str | None = field(repr=False)
    consent: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What an import came to. `valid` and the faults below it add up to `rows_read`; the ledger knows the rest."""

    rows_read: int
    valid: int
    duplicate_in_file: int
    duplicate_in_campaign: int = 0
    on_dnc: int = 0
    invalid_number: int
    missing_variable: int
    text_too_long: int
    other: int

    @property
    def will_dial(self) -> int:
        return self.valid - self.duplicate_in_campaign - self.on_dnc

    @property
    def rejected(self) -> int:
        return self.rows_read - self.valid

    def lines(self) -> list[tuple[str, int]]:
        """The counts in the order people read them, with their names."""
        return [(name.replace("_", " ").replace("dnc", "DNC"), getattr(self, name)) for name in SUMMARY_ORDER]


class _Refused(Exception):
    """The row at hand is no contact."""

    def __init__(self, code: str, column: str, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.code, self.column, self.reason, self.suggestion = code, column, reason, suggestion


class Audience:
    """A list that has been looked at and not yet read. Reading holds one row at a time, and the numbers met so far."""

    def __init__(
        self, definition: Definition, table: Table, columns: Columns, check_script: CheckScript | None
    ) -> None:
        self.file = table.file
        self.header = table.header
        self.rejects: list[Reject] = []
        self._definition = definition
        self._table = table
        self._columns = columns
        self._check_script = check_script
        self._counts: Counter[str] = Counter()
        self._lines_by_number: dict[int, int] = {}
        self._zones_with_hours: dict[str, bool] = {}

    def contacts(self) -> Iterator[ContactRow]:
        """Every contact of the list; `rejects` and `summary` are complete when it ends. Each call reads anew."""
        self.rejects = []
        for row in self.rows():
            if isinstance(row, Reject):
                self.rejects.append(row)
            else:
                yield row

    def rows(self) -> Iterator[ContactRow | Reject]:
        """Every contact and every reject in the list's order, for those who keep neither; `summary` counts along."""
        self._counts, self._lines_by_number = Counter(), {}
        for row in self._table.rows():
            read = self._contact_or_reject(row)
            self._counts[read.code if isinstance(read, Reject) else "valid"] += 1
            yield read

    @property
    def summary(self) -> Summary:
        """The counts of the rows read so far."""
        counts = self._counts
        named = ("valid", Code.DUPLICATE, *INVALID, Code.MISSING_VARIABLE, Code.TEXT_TOO_LONG)
        return Summary(
            rows_read=counts.total(),
            valid=counts["valid"],
            duplicate_in_file=counts[Code.DUPLICATE],
            invalid_number=sum(counts[code] for code in INVALID),
            missing_variable=counts[Code.MISSING_VARIABLE],
            text_too_long=counts[Code.TEXT_TOO_LONG],
            other=counts.total() - sum(counts[code] for code in named),
        )

    def _contact_or_reject(self, row: Row) -> ContactRow | Reject:
        try:
            return self._contact(row)
        except _Refused as no:
            return Reject(
                line=row.line,
                column=no.column,
                code=no.code,
                reason=no.reason,
                suggestion=no.suggestion,
                cells=tuple(row.cells),
            )

    def _contact(self, row: Row) -> ContactRow:
        cells = self._whole(row)
        number = self._number(cells)
        zone = self._zone(cells, number)
        not_after = self._not_after(cells, zone)
        consent = self._consent(cells)
        text = self._text(cells)
        self._lines_by_number[int(number.digits)] = row.line
        fields = {name: cells[place] for name, place in self._columns.fields.items()}
        return ContactRow(
            line=row.line, phone=number, fields=fields, zone=zone, not_after=not_after, text=text, consent=consent
        )

    def _whole(self, row: Row) -> list[str]:
        """The row's cells, trimmed, one for each column."""
        width = len(self._table.names)
        if row.broken:
            raise _Refused(Code.BROKEN_ROW, "", row.broken, "double the quotes inside a cell, and close every cell's")
        if len(row.cells) < width:
            reason = f"the row has {len(row.cells)} cells and the header {width}"
            raise _Refused(
                Code.SHORT_ROW, "", reason, "a cell is missing, or a line break stands in one without quotes"
            )
        cells = [cell.strip() for cell in row.cells]
        if any(cells[width:]):
            reason = f"the row has {len(row.cells)} cells and the header {width}"
            raise _Refused(Code.LONG_ROW, "", reason, f"put quotes around cells that hold {self._table.delimiter!r}")
        nul = next((place for place, cell in enumerate(cells) if "\0" in cell), None)
        if nul is not None:
            raise _Refused(Code.BROKEN_ROW, self._name(nul), "the cell holds a NUL character", "type it again")
        return cells[:width]

    def _number(self, cells: Sequence[str]) -> PhoneNumber:
        place = self._columns.phone
        if not cells[place]:
            raise _Refused(Code.EMPTY_NUMBER, self._name(place), "the number is empty", "fill it in or remove the row")
        try:
            number = phone.parse(cells[place], self._definition.contacts.country)
        except BadPhoneNumber as exc:
            raise _Refused(Code.INVALID_NUMBER, self._name(place), str(exc), exc.suggestion) from None
        first = self._lines_by_number.get(int(number.digits))
        if first is not None:
            reason = f"the same number stands in line {first}"
            raise _Refused(Code.DUPLICATE, self._name(place), reason, "keep one of the two rows")
        return number

    def _zone(self, cells: Sequence[str], number: PhoneNumber) -> str | None:
        place = self._columns.zone
        if place is not None and cells[place]:
            try:
                return calendar.zone_named(cells[place]).key
            except calendar.BadZone as exc:
                raise _Refused(Code.BAD_ZONE, self._name(place), str(exc), exc.suggestion) from None
        candidates = phone.zones(number) if self._definition.contacts.zone_by_number else ()
        if not candidates:
            return self._definition.schedule.zone
        zone = ",".join(candidates)
        if not self._has_hours(zone):
            reason = f"its number may be in any of {len(candidates)} time zones, which share no hour of the windows"
            raise _Refused(
                Code.BAD_ZONE, self._name(self._columns.phone), reason, "name the zone in a column (contacts.zone)"
            )
        return zone

    def _has_hours(self, zone: str) -> bool:
        """Whether the windows leave any hour for a contact there; asked once for each zone."""
        if zone not in self._zones_with_hours:
            self._zones_with_hours[zone] = self._definition.windows.ever_open(*calendar.zones_of(zone))
        return self._zones_with_hours[zone]

    def _not_after(self, cells: Sequence[str], zone: str | None) -> datetime | None:
        place = self._columns.not_after
        if place is None:
            return None
        try:
            moment = calendar.parse_moment(cells[place])
        except calendar.BadMoment as exc:
            reason = str(exc) if cells[place] else "the moment is blank"
            raise _Refused(Code.BAD_NOT_AFTER, self._name(place), reason, exc.suggestion) from None
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        if zone is None:
            reason = "the moment has no offset, and the contact no time zone"
            raise _Refused(Code.BAD_NOT_AFTER, self._name(place), reason, "write the offset, or set schedule.zone")
        return calendar.earliest(moment, *calendar.zones_of(zone))

    def _consent(self, cells: Sequence[str]) -> str | None:
        place = self._columns.consent
        if place is not None and not cells[place]:
            reason = "nothing says that this person agreed to be called"
            raise _Refused(Code.NO_CONSENT, self._name(place), reason, "fill it in or remove the row")
        return cells[place] if place is not None else None

    def _text(self, cells: Sequence[str]) -> str | None:
        template, spoken = self._definition.template, self._columns.spoken
        if template is None:
            return None
        try:
            text = template.render({name: cells[place] for name, place in spoken.items()})
        except MissingVariable as exc:
            column = self._name(spoken[exc.name])
            raise _Refused(Code.MISSING_VARIABLE, column, str(exc), "fill it in or remove the row") from None
        except BadText as exc:
            raise _Refused(Code.BAD_TEXT, "", str(exc), "correct the row's cells or the template") from None
        self._check(text)
        return text

    def _check(self, text: str) -> None:
        fault = self._check_script(self._definition.script(text)) if self._check_script else None
        if fault is not None:
            raise _Refused(fault.code, "", fault.reason, fault.suggestion)

    def _name(self, place: int) -> str:
        return self._table.header[place]


def read_audience(definition: Definition, folder: Path, *, check_script: CheckScript | None = None) -> Audience:
    """Look at a campaign's list in its folder and get ready to read it; `check_script` knows the provider's limits.

    Raises BadContactsFile when the list cannot be read at all, DefinitionFaults when it is not the list that the
    definition speaks of, or when what everybody would hear cannot be spoken.
    """
    table = open_table(folder / definition.contacts.file)
    columns = find_columns(definition, table)
    faults = list(_script_faults(definition, check_script))
    if faults:
        raise DefinitionFaults(faults)
    if next(table.rows(), None) is None:
        raise BadContactsFile(f"{table.file}: the list has a header and no rows", "add a row for each contact")
    return Audience(definition, table, columns, check_script)


def _script_faults(definition: Definition, check_script: CheckScript | None) -> Iterator[Fault]:
    """What is wrong with the message for everybody, whoever is on the list."""
    template = definition.template
    if definition.message is None:
        return
    script = definition.script(template.render({}) if template and template.is_fixed else "test")
    fault = check_script(script) if check_script else None
    if fault is not None and (definition.says_the_same_to_all or fault.code in OF_THE_DEFINITION):
        key = "media" if template is None else "voice" if fault.code == "voice" else "tts"
        yield definition.fault(("message", key), fault.reason, fault.suggestion)
