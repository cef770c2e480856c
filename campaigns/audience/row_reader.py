"""From a row of a list to a contact fit to be called, or the reason why it is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from campaigns.audience.columns import Columns
from campaigns.audience.rejects import Reject, RejectCode
from campaigns.audience.table import Row, Table
from campaigns.calendar import times
from campaigns.definition import Definition
from campaigns.definition.templates import BadText, MissingVariable
from dialer import phone
from dialer.phone import BadCountry, BadPhoneNumber, NoCountryCode, PhoneNumber
from dialer.providers.provider import ScriptFault
from dialer.scripts import Script

CheckScript = Callable[[Script], ScriptFault | None]
SPREADSHEET_ERRORS = frozenset(
    {"#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!"}
)  # as spreadsheets show them


class ContactRow(NamedTuple):
    """One contact of the list, fit to be called. `fields` holds its other columns under names templates can write.

    `zone` is its own, else that of its number (all it may be in, with commas between), else the schedule's;
    None only where nothing tells one and the campaign needs none. `voice` holds what its row says of how it is spoken
    to, beyond the message's own voice.
    """

    line: int
    phone: PhoneNumber
    fields: Mapping[str, str]
    zone: str | None
    not_after: datetime | None
    text: str | None
    voice: Mapping[str, str]
    consent: str | None

    def __repr__(self) -> str:
        return f"ContactRow({self.line}, {self.phone})"


class RowRejected(Exception):
    """The row at hand is no contact."""

    def __init__(self, code: str, column: str, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.code, self.column, self.reason, self.suggestion = code, column, reason, suggestion

    def reject(self, row: Row) -> Reject:
        """The row, with this reason."""
        return Reject(
            line=row.line,
            column=self.column,
            code=self.code,
            reason=self.reason,
            suggestion=self.suggestion,
            cells=tuple(row.cells),
        )


class RowReader:
    """Reads the rows of one list under one definition. It keeps none of them."""

    def __init__(
        self, definition: Definition, table: Table, columns: Columns, check_script: CheckScript | None
    ) -> None:
        self._definition = definition
        self._table = table
        self._columns = columns
        self._check_script = check_script
        self._width = len(table.names)
        self._country = definition.contacts.country
        self._schedule_zone = definition.schedule.zone
        self._zone_by_number = definition.contacts.zone_by_number
        self._zones_with_hours: dict[str, bool] = {}
        self._said = definition.template.row_renderer(columns.spoken) if definition.template else None
        self._fields = list(columns.fields.items())

    def read(self, row: Row) -> ContactRow:
        """The contact. Raises RowRejected with the reason when there is none in this row."""
        cells = self._whole(row)
        number = self._number(cells)
        zone = self._zone(cells, number)
        not_after = self._not_after(cells, zone)
        consent = self._consent(cells)
        voice = self._voice(cells)
        text = self._text(cells, voice)
        fields = {name: cells[place] for name, place in self._fields}
        return ContactRow(row.line, number.number, fields, zone, not_after, text, voice, consent)

    def name(self, place: int) -> str:
        """A column's name as the list has it."""
        return self._table.header[place]

    def phone_column(self, cells: Sequence[str]) -> str:
        """The name of the column that this row's number stands in."""
        return self.name(self._phone_place(cells))

    def _whole(self, row: Row) -> list[str]:
        """The row's cells, trimmed, one for each column."""
        if row.broken:
            raise RowRejected(
                RejectCode.BROKEN_ROW, "", row.broken, "double the quotes inside a cell, and close every cell's"
            )
        cells = [cell.strip() for cell in row.cells]
        if len(cells) != self._width:
            cells = self._fitted(cells)
        if "\0" in "".join(cells):
            nul = next(place for place, cell in enumerate(cells) if "\0" in cell)
            raise RowRejected(RejectCode.BROKEN_ROW, self.name(nul), "the cell holds a NUL character", "type it again")
        return cells

    def _fitted(self, cells: list[str]) -> list[str]:
        reason = f"the row has {len(cells)} cells and the header {self._width}"
        if len(cells) < self._width:
            advice = "a cell is missing, or a line break stands in one without quotes"
            raise RowRejected(RejectCode.SHORT_ROW, "", reason, advice)
        if any(cells[self._width :]):
            raise RowRejected(RejectCode.LONG_ROW, "", reason, self._table.advice)
        return cells[: self._width]

    def _phone_place(self, cells: Sequence[str]) -> int:
        """The place of the number: of several columns, the first that is filled in."""
        places = self._columns.phones
        return next((place for place in places if cells[place].strip()), places[0])

    def _number(self, cells: Sequence[str]) -> phone.ParsedNumber:
        place = self._columns.phones[0] if len(self._columns.phones) == 1 else self._phone_place(cells)
        written = cells[place]
        if not written:
            raise RowRejected(
                RejectCode.EMPTY_NUMBER, self.name(place), "the number is empty", "fill it in or remove the row"
            )
        country = self._country if self._columns.country is None else self._country_of(cells, self._columns.country)
        try:
            return phone.parse_with_plan(written, country)
        except BadPhoneNumber as exc:
            advice = self._country_advice() if isinstance(exc, NoCountryCode) else exc.suggestion
            raise RowRejected(RejectCode.INVALID_NUMBER, self.name(place), str(exc), advice) from None

    def _country_advice(self) -> str:
        """Where this campaign says which country completes a number."""
        place = self._columns.country
        return "set contacts.country" if place is None else f"fill in {self.name(place)}"

    def _country_of(self, cells: Sequence[str], place: int) -> str | None:
        if not cells[place]:
            return self._country
        try:
            return phone.country_named(cells[place])
        except BadCountry as exc:
            raise RowRejected(RejectCode.BAD_COUNTRY, self.name(place), str(exc), exc.suggestion) from None

    def _zone(self, cells: Sequence[str], number: phone.ParsedNumber) -> str | None:
        place = self._columns.zone
        if place is not None and cells[place]:
            try:
                return times.zone_named(cells[place]).key
            except times.BadZone as exc:
                raise RowRejected(RejectCode.BAD_ZONE, self.name(place), str(exc), exc.suggestion) from None
        candidates = number.zones if self._zone_by_number else ()
        if not candidates:
            return self._schedule_zone
        zone = candidates[0] if len(candidates) == 1 else ",".join(candidates)
        if not self._has_hours(zone):
            reason = f"its number may be in any of {len(candidates)} time zones, which share no hour of the windows"
            advice = "name the zone in a column (contacts.zone)"
            raise RowRejected(RejectCode.BAD_ZONE, self.name(self._phone_place(cells)), reason, advice)
        return zone

    def _has_hours(self, zone: str) -> bool:
        """Whether the windows leave any hour for a contact there; asked once for each zone."""
        if zone not in self._zones_with_hours:
            self._zones_with_hours[zone] = self._definition.windows.ever_open(*times.zones_of(zone))
        return self._zones_with_hours[zone]

    def _not_after(self, cells: Sequence[str], zone: str | None) -> datetime | None:
        place = self._columns.not_after
        if place is None:
            return None
        try:
            moment = times.parse_moment(cells[place])
        except times.BadMoment as exc:
            reason = str(exc) if cells[place] else "the moment is blank"
            raise RowRejected(RejectCode.BAD_NOT_AFTER, self.name(place), reason, exc.suggestion) from None
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        if zone is None:
            reason = "the moment has no offset, and the contact no time zone"
            raise RowRejected(
                RejectCode.BAD_NOT_AFTER, self.name(place), reason, "write the offset, or set schedule.zone"
            )
        return times.earliest(moment, *times.zones_of(zone))

    def _consent(self, cells: Sequence[str]) -> str | None:
        place = self._columns.consent
        if place is None:
            return None
        if not cells[place]:
            reason = "nothing says that this person agreed to be called"
            raise RowRejected(RejectCode.NO_CONSENT, self.name(place), reason, "fill it in or remove the row")
        return cells[place]

    def _voice(self, cells: Sequence[str]) -> dict[str, str]:
        places = self._columns.voice
        return {name: cells[place] for name, place in places.items() if cells[place]} if places else {}

    def _text(self, cells: Sequence[str], voice: Mapping[str, str]) -> str | None:
        if self._said is None:
            return None
        try:
            text = self._said(cells)
        except MissingVariable as exc:
            column = self.name(self._columns.spoken[exc.name])
            raise RowRejected(RejectCode.MISSING_VARIABLE, column, str(exc), "fill it in or remove the row") from None
        except BadText as exc:
            places = (place for place in self._columns.spoken.values() if cells[place] == exc.value)
            column = next(map(self.name, places), "")
            advice = exc.suggestion or "correct the row's cells or the template"
            raise RowRejected(RejectCode.BAD_TEXT, column, str(exc), advice) from None
        if "#" in text:
            self._refuse_errors(cells)
        self._check(text, voice)
        return text

    def _refuse_errors(self, cells: Sequence[str]) -> None:
        """An error that a spreadsheet shows in a cell is never spoken."""
        for place in self._columns.spoken.values():
            if cells[place] in SPREADSHEET_ERRORS:
                reason = f"the spreadsheet shows an error here: {cells[place]}"
                raise RowRejected(
                    RejectCode.MISSING_VARIABLE, self.name(place), reason, "correct the formula, or type the value"
                )

    def _check(self, text: str, voice: Mapping[str, str]) -> None:
        fault = self._check_script(self._definition.script(text, voice)) if self._check_script else None
        if fault is not None:
            column = self.name(next(iter(self._columns.voice.values()))) if fault.code == "voice" and voice else ""
            raise RowRejected(fault.code, column, fault.reason, fault.suggestion)
