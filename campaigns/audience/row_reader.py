"""Turns one row of a list into a contact that can be called, or rejects it with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from campaigns.audience.columns import Columns
from campaigns.audience.rejects import Reject, RejectCode
from campaigns.audience.table import Row, Table
from campaigns.calendar import times, zones
from campaigns.definition import Definition
from campaigns.definition.blanks import trimmed_cells
from campaigns.definition.speech_filters import SpokenValue
from campaigns.definition.templates import BadText, MissingVariable
from dialer import phone
from dialer.number_kinds import WORDS
from dialer.phone import BadCountry, BadPhoneNumber, NoCountryCode, PhoneNumber
from dialer.providers.provider import ScriptFault
from dialer.scripts import Script

NAMIBIA = "NA"
CheckScript = Callable[[Script], ScriptFault | None]
# As spreadsheets show them in any language (#REF!, #WERT!, #¡DIV/0!, #ИМЯ?); a column too narrow; LibreOffice's.
SPREADSHEET_ERROR = re.compile(r"#[¡¿]?[^\W\d_a-z]{2,12}(/0)?[!?]|#{3,}|Err:\d{3}")


class ContactRow(NamedTuple):
    """One contact of the list that can be called.

    line        its line in the list, from 1
    fields      all columns but the numbers, by the names that templates use
    zone        IANA zone: the contact's own, else that of its number (all that it may be in, separated by commas), else
                the schedule's; None when none is known and the campaign needs none
    not_after   never call after this moment (UTC); None where the row gives none
    text        the text to speak; None for a recording
    voice       voice settings of its own, which override the message's
    consent     the content of the consent column
    spoken      what the text's filters made of the row's values
    """

    line: int
    phone: PhoneNumber
    fields: Mapping[str, str]
    zone: str | None
    not_after: datetime | None
    text: str | None
    voice: Mapping[str, str]
    consent: str | None
    spoken: Sequence[SpokenValue] = ()

    def __repr__(self) -> str:
        return f"ContactRow({self.line}, {self.phone})"


class RowRejected(Exception):
    """The row is not a contact that can be called: the reject code, the column's name, the reason, what to do."""

    def __init__(self, code: str, column: str, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.code, self.column, self.reason, self.suggestion = code, column, reason, suggestion

    def reject(self, row: Row) -> Reject:
        """The reject of a row for this reason. Of a hidden row nothing is kept, so that no corrected file calls it."""
        return Reject(
            line=row.line,
            column=self.column,
            code=self.code,
            reason=self.reason,
            suggestion=self.suggestion,
            cells=() if self.code == RejectCode.HIDDEN else tuple(row.cells),
        )


class Layout(NamedTuple):
    """What the rows of a list are held against: its header, how many columns have names, and what to do about more."""

    header: Sequence[str]
    width: int
    long_row_advice: str

    @classmethod
    def of(cls, table: Table) -> Layout:
        """The layout of this list."""
        return cls(table.header, len(table.names), table.long_row_advice)


class RowReader:
    """Reads the rows of one list by one definition. It stores no rows, and can be pickled."""

    def __init__(
        self, definition: Definition, layout: Layout, columns: Columns, check_script: CheckScript | None
    ) -> None:
        self._definition = definition
        self._layout = layout
        self._columns = columns
        self._check_script = check_script
        self._width = layout.width
        self._country = definition.contacts.country
        self._allowed_kinds = frozenset(definition.contacts.allow)
        self._schedule_zone = definition.schedule.zone
        self._zone_by_number = definition.contacts.zone_by_number
        self._zones_with_hours: dict[str, bool] = {}
        self._speak = definition.template.row_speaker(columns.variables) if definition.template else None
        self._fields = list(columns.fields.items())
        others = (columns.country, columns.zone, columns.not_after, columns.consent)
        self._used = [*columns.voice.values(), *columns.variables.values(), *(one for one in others if one is not None)]

    def __reduce__(self) -> tuple[Callable[..., RowReader], tuple[object, ...]]:
        written = self._definition.model_dump_json()
        return _row_reader, (written, self._layout, self._columns, self._check_script)

    def read(self, row: Row) -> ContactRow:
        """The contact in this row. Raises RowRejected with the reason when there is none."""
        if row.hidden:
            reason = "the row is hidden in its sheet, by a filter or by hand"
            raise RowRejected(RejectCode.HIDDEN, "", reason, "show it to have it called")
        cells = self._trimmed_cells(row)
        if row.faults:
            self._reject_faulty_cells(row, cells)
        number = self._number(cells)
        zone = self._zone(cells, number)
        not_after = self._not_after(cells, zone)
        consent = self._consent(cells)
        voice = self._voice(cells)
        text, spoken = self._text(row, cells, zone, voice)
        fields = {name: cells[index] for name, index in self._fields}
        return ContactRow(row.line, number.number, fields, zone, not_after, text, voice, consent, spoken)

    def name(self, index: int) -> str:
        """The name of a column, as written in the header."""
        return self._layout.header[index]

    def phone_column(self, cells: Sequence[str]) -> str:
        """The name of the column that holds this row's number."""
        return self.name(self._phone_index(cells))

    def _trimmed_cells(self, row: Row) -> list[str]:
        """The row's cells, trimmed, one for each column."""
        if row.parse_error:
            raise RowRejected(RejectCode.BROKEN_ROW, "", row.parse_error, row.parse_remedy)
        cells = trimmed_cells(row.cells)
        if len(cells) != self._width:
            cells = self._fitted(cells)
        if "\0" in "".join(cells):
            nul = next(index for index, cell in enumerate(cells) if "\0" in cell)
            raise RowRejected(RejectCode.BROKEN_ROW, self.name(nul), "the cell holds a NUL character", "type it again")
        if (country := self._columns.country) is not None and row.cells[country].strip() == NAMIBIA:
            cells[country] = NAMIBIA  # in any other column it is R's word for no value
        return cells

    def _reject_faulty_cells(self, row: Row, cells: Sequence[str]) -> None:
        """Reject a row if a cell that is used has no usable value. An error that means "no value" (#N/A) is a blank."""
        phones = self._columns.phones
        chosen = self._phone_index(cells)
        for index in (*phones[: phones.index(chosen) + 1], *self._used):
            fault = row.faults.get(index)
            if fault is not None and (index == chosen or cells[index] or not row.cells[index].strip()):
                code = RejectCode.INVALID_NUMBER if index in phones else RejectCode.MISSING_VARIABLE
                raise RowRejected(code, self.name(index), *fault)

    def _fitted(self, cells: list[str]) -> list[str]:
        """As many cells as the header has; only blank ones beyond it are dropped."""
        reason = f"the row has {len(cells)} cells and the header {self._width}"
        if len(cells) < self._width:
            advice = "a cell is missing, or a line break stands in one without quotes"
            raise RowRejected(RejectCode.SHORT_ROW, "", reason, advice)
        if any(cells[self._width :]):
            raise RowRejected(RejectCode.LONG_ROW, "", reason, self._layout.long_row_advice)
        return cells[: self._width]

    def _phone_index(self, cells: Sequence[str]) -> int:
        """The index of the number: of several columns, the first that is not blank."""
        indexes = self._columns.phones
        return next((index for index in indexes if cells[index].strip()), indexes[0])

    def _number(self, cells: Sequence[str]) -> phone.ParsedNumber:
        index = self._columns.phones[0] if len(self._columns.phones) == 1 else self._phone_index(cells)
        written = cells[index]
        if not written:
            raise RowRejected(
                RejectCode.EMPTY_NUMBER, self.name(index), "the number is empty", "fill it in or remove the row"
            )
        country = self._country if self._columns.country is None else self._country_of(cells, self._columns.country)
        try:
            number = phone.parse_with_plan(written, country)
        except BadPhoneNumber as exc:
            advice = self._country_advice() if isinstance(exc, NoCountryCode) else exc.suggestion
            raise RowRejected(RejectCode.INVALID_NUMBER, self.name(index), str(exc), advice) from None
        kind = number.kind
        if kind is not None and kind not in self._allowed_kinds:
            advice = f"remove the row, or allow such numbers: contacts.allow: [{kind}]"
            raise RowRejected(RejectCode.KIND_NOT_ALLOWED, self.name(index), f"this is {WORDS[kind]}", advice)
        return number

    def _country_advice(self) -> str:
        """What to do about a number without a country code, given where the country comes from."""
        index = self._columns.country
        return "set contacts.country" if index is None else f"fill in {self.name(index)}"

    def _country_of(self, cells: Sequence[str], index: int) -> str | None:
        if not cells[index]:
            return self._country
        try:
            return phone.country_named(cells[index])
        except BadCountry as exc:
            raise RowRejected(RejectCode.BAD_COUNTRY, self.name(index), str(exc), exc.suggestion) from None

    def _zone(self, cells: Sequence[str], number: phone.ParsedNumber) -> str | None:
        index = self._columns.zone
        if index is not None and cells[index]:
            try:
                return zones.zone_named(cells[index]).key
            except zones.BadZone as exc:
                raise RowRejected(RejectCode.BAD_ZONE, self.name(index), str(exc), exc.suggestion) from None
        candidates = number.zones if self._zone_by_number else ()
        if not candidates:
            return self._schedule_zone
        zone = candidates[0] if len(candidates) == 1 else ",".join(candidates)
        if not self._has_hours(zone):
            reason = f"its number may be in any of {len(candidates)} time zones, which share no hour of the windows"
            advice = (
                "name the zone in a column (contacts.zone), or go by schedule.zone (contacts.zone_by_number: false)"
            )
            raise RowRejected(RejectCode.BAD_ZONE, self.name(self._phone_index(cells)), reason, advice)
        return zone

    def _has_hours(self, zone: str) -> bool:
        """Whether the windows have any hour at which all these zones may be called; computed once for each."""
        if zone not in self._zones_with_hours:
            self._zones_with_hours[zone] = self._definition.windows.ever_open(*zones.zones_of(zone))
        return self._zones_with_hours[zone]

    def _not_after(self, cells: Sequence[str], zone: str | None) -> datetime | None:
        index = self._columns.not_after
        if index is None or not cells[index]:
            return None
        try:
            moment = times.parse_moment(cells[index])
        except times.BadMoment as exc:
            raise RowRejected(RejectCode.BAD_NOT_AFTER, self.name(index), str(exc), exc.suggestion) from None
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        if zone is None:
            reason = "the moment has no offset, and the contact no time zone"
            raise RowRejected(
                RejectCode.BAD_NOT_AFTER, self.name(index), reason, "write the offset, or set schedule.zone"
            )
        return times.earliest(moment, *zones.zones_of(zone))

    def _consent(self, cells: Sequence[str]) -> str | None:
        index = self._columns.consent
        if index is None:
            return None
        if not cells[index]:
            reason = "nothing says that this person agreed to be called"
            raise RowRejected(RejectCode.NO_CONSENT, self.name(index), reason, "fill it in or remove the row")
        return cells[index]

    def _voice(self, cells: Sequence[str]) -> dict[str, str]:
        indexes = self._columns.voice
        return {name: cells[index] for name, index in indexes.items() if cells[index]} if indexes else {}

    def _text(
        self, row: Row, cells: Sequence[str], zone: str | None, voice: Mapping[str, str]
    ) -> tuple[str | None, Sequence[SpokenValue]]:
        """The text, and what was made of the row's values."""
        if self._speak is None:
            return None, ()
        try:
            text, spoken = self._speak(cells, zone)
        except MissingVariable as exc:
            raise self._blank_variable(row, exc.name) from None
        except BadText as exc:
            indexes = (index for index in self._columns.variables.values() if cells[index] == exc.value)
            column = next(map(self.name, indexes), "")
            advice = exc.suggestion or "correct the row's cells or the template"
            raise RowRejected(RejectCode.BAD_TEXT, column, str(exc), advice) from None
        if "#" in text or "Err:" in text:
            self._reject_spreadsheet_errors(cells)
        self._check_speakable(text, voice)
        return text, spoken

    def _blank_variable(self, row: Row, name: str) -> RowRejected:
        index = self._columns.variables[name]
        written = row.cells[index].strip()
        reason = (
            f'{name} is blank: "{written}" is no value' if written.isprintable() and written else f"{name} is blank"
        )
        return RowRejected(RejectCode.MISSING_VARIABLE, self.name(index), reason, "fill it in or remove the row")

    def _reject_spreadsheet_errors(self, cells: Sequence[str]) -> None:
        """Reject a row whose spoken cells hold an error of the spreadsheet, such as #REF!."""
        for index in self._columns.variables.values():
            if SPREADSHEET_ERROR.fullmatch(cells[index]):
                reason = f"the spreadsheet shows an error here: {cells[index]}"
                raise RowRejected(
                    RejectCode.MISSING_VARIABLE, self.name(index), reason, "correct the formula, or type the value"
                )

    def _check_speakable(self, text: str, voice: Mapping[str, str]) -> None:
        fault = self._check_script(self._definition.script(text, voice)) if self._check_script else None
        if fault is not None:
            column = self.name(next(iter(self._columns.voice.values()))) if fault.code == "voice" and voice else ""
            raise RowRejected(fault.code, column, fault.reason, fault.suggestion)


def _row_reader(written: str, layout: Layout, columns: Columns, check_script: CheckScript | None) -> RowReader:
    """The reader in another process, which gets the definition as it is written."""
    return RowReader(Definition.model_validate_json(written), layout, columns, check_script)
