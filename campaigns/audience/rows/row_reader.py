"""Reads the rows of a list: each is a contact that can be called, or is rejected with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain

from campaigns.audience.columns import Columns, Layout
from campaigns.audience.files.table import Row
from campaigns.audience.rejects import RejectCode
from campaigns.audience.rows.contact_row import NO_VOICE, ContactRow
from campaigns.audience.rows.row_batch import ROW, RowBatch, RowRejected
from campaigns.audience.rows.row_numbers import RowNumbers, place_of_phone
from campaigns.audience.rows.row_texts import CheckScript, RowTexts
from campaigns.calendar import times, zones
from campaigns.definition import Definition
from campaigns.definition.blanks import trimmed_cells
from campaigns.definition.definition import VARIANT
from campaigns.definition.row_conditions import CellUnfit, RowCondition
from dialer.phone import ParsedNumber
from dialer.short_text import is_short_text

NAMIBIA = "NA"
LONGEST_KEY = 200

Outcome = ContactRow | RowRejected


class RowReader:
    """Reads the rows of one list by one definition. It stores no rows.

    A row with several faults is rejected for the first: faults of the row, then of its number, zone, `not_after`,
    consent, key, and text.
    """

    def __init__(
        self, definition: Definition, layout: Layout, columns: Columns, check_script: CheckScript | None
    ) -> None:
        self._definition = definition
        self._layout = layout
        self._columns = columns
        self._numbers = RowNumbers(definition, columns, layout.header.__getitem__)
        self._texts = RowTexts(definition, columns, layout.header.__getitem__, check_script)
        self._width = layout.width
        in_fields = set(columns.fields.values())
        self._not_in_fields = [index for index in range(layout.width) if index not in in_fields]
        self._schedule_zone = definition.schedule.zone
        self._shared_zones: dict[tuple[str, ...], str | None] = {}
        self._condition = RowCondition(definition.contacts.where) if definition.contacts.where else None
        self._has_variants = VARIANT in definition.own_variables
        own = (VARIANT,) if self._has_variants else ()
        self._speak = definition.row_speaker((*columns.variables, *own))

    def read(self, rows: Sequence[Row]) -> list[Outcome]:
        """For each of these rows its contact, or why there is none."""
        batch = RowBatch(rows)
        batch["line"] = [row.line for row in rows]
        self._add_cells(batch)
        if self._condition is not None:
            batch.check(partial(self._leave_out, self._condition), *self._columns.conditions.values())
        self._add_number(batch)
        self._add_zone(batch)
        self._add_optional(batch)
        self._add_text(batch)
        if self._columns.callback:
            batch.check(self._texts.check_callback, "zone", *self._columns.callback.values())
        self._add_fields(batch)
        return batch.outcomes(ContactRow._make, *ContactRow._fields)

    def name(self, index: int) -> str:
        """The name of a column, as written in the header."""
        return self._layout.header[index]

    def phone_column(self, cells: Sequence[str]) -> str:
        """The name of the column that holds this row's number."""
        return self._numbers.name_of_phone(trimmed_cells([cells[index] for index in self._columns.phones]))

    def _add_cells(self, batch: RowBatch) -> None:
        """Add the columns of the list, their cells trimmed, blank ones empty."""
        batch.work_out("written", self._as_wide_as_header, ROW)
        cells = trimmed_cells(list(chain.from_iterable(batch["written"])))
        for index in range(self._width):
            batch[index] = cells[index :: self._width]
        batch["given"] = self._given(batch["written"], cells)
        if (country := self._columns.country) is not None:
            batch.work_out(country, lambda row, cell: _country_cell(row.cells[country], cell), ROW, country)
        if "\0" in "".join(cells):
            batch.check(self._reject_nul, *range(self._width))
        if any(row.faults for row in batch[ROW]):
            batch.check(self._reject_faulty_cells, ROW, *range(self._width))

    def _given(self, written: Sequence[Sequence[str]], trimmed: Sequence[str]) -> list[Mapping[str, str]]:
        """Of each row the cells that `fields` will not hold as they were written."""
        given: list[Mapping[str, str]] = []
        for start, cells in zip(range(0, len(trimmed), self._width), written, strict=True):
            kept = {str(index): cells[index] for index in self._not_in_fields}
            row = trimmed[start : start + self._width]
            if row != list(cells):
                kept |= {str(index): cell for index, cell in enumerate(cells) if cell != row[index]}
            given.append(kept)
        return given

    def _add_number(self, batch: RowBatch) -> None:
        countries = self._columns.country
        if countries is None:
            batch.work_out("number", self._numbers.number, *self._columns.phones)
        else:
            batch.work_out("number", self._numbers.number_of_country, countries, *self._columns.phones)
        batch["e164"] = [number.e164 for number in batch["number"]]
        if self._numbers.pools_by_region:
            batch.check(self._numbers.reject_unless_shown_one, "e164", *self._columns.phones)

    def _add_zone(self, batch: RowBatch) -> None:
        zone, by_number = self._columns.zone, self._definition.contacts.zone_by_number
        if zone is not None:
            read = self._zone_or_by_number if by_number else self._zone_or_schedules
            batch.work_out("zone", read, zone, "number", *self._columns.phones)
        elif by_number:
            batch.work_out("zone", self._zone_by_number, "number", *self._columns.phones)
        else:
            batch.fill("zone", self._schedule_zone)

    def _add_optional(self, batch: RowBatch) -> None:
        """Add what only some lists have: a last moment, the consent, and a voice."""
        columns = self._columns
        if columns.not_after is None:
            batch.fill("not_after", None)
        else:
            batch.work_out("not_after", self._not_after, columns.not_after, "zone")
        if columns.consent is None:
            batch.fill("consent", None)
        else:
            batch.work_out("consent", self._consent, columns.consent)
        if columns.key is None:
            batch.fill("key", "")
        else:
            batch.work_out("key", self._key, columns.key)
        if columns.voice:
            batch.work_out("voice", self._voice, *columns.voice.values())
        else:
            batch.fill("voice", NO_VOICE)

    def _add_text(self, batch: RowBatch) -> None:
        """Add the text, and what was made of the row's values."""
        if self._speak is None:
            batch.fill("text", None)
            batch.fill("spoken", ())
            return
        text = partial(self._texts.text, self._speak)
        own: tuple[str, ...] = ()
        if self._has_variants:
            own = ("variant",)
            batch.work_out("variant", self._definition.variant_for, "key", "e164")
        batch.work_out("speech", text, ROW, "zone", "voice", *self._columns.variables.values(), *own)
        batch["text"] = [text for text, _ in batch["speech"]]
        batch["spoken"] = [spoken for _, spoken in batch["speech"]]

    def _add_fields(self, batch: RowBatch) -> None:
        names = tuple(self._columns.fields)
        cells = zip(*map(batch.__getitem__, self._columns.fields.values()), strict=True)
        batch["fields"] = [dict(zip(names, own, strict=True)) for own in cells] if names else [{} for _ in batch[ROW]]

    def _as_wide_as_header(self, row: Row) -> Sequence[str]:
        """As many cells as the header has; only blank ones beyond it are dropped."""
        if row.hidden:
            reason = "the row is hidden in its sheet, by a filter or by hand"
            raise RowRejected(RejectCode.HIDDEN, "", reason, "show it to have it called")
        if row.parse_error:
            raise RowRejected(RejectCode.BROKEN_ROW, "", row.parse_error, row.parse_remedy)
        cells, width = row.cells, self._width
        if len(cells) == width:
            return cells
        reason = f"the row has {len(cells)} cells and the header {width}"
        if len(cells) < width:
            advice = "a cell is missing, or a line break stands in one without quotes"
            raise RowRejected(RejectCode.SHORT_ROW, "", reason, advice)
        if any(trimmed_cells(cells[width:])):
            raise RowRejected(RejectCode.LONG_ROW, "", reason, self._layout.long_row_advice)
        return cells[:width]

    def _leave_out(self, condition: RowCondition, *cells: str) -> None:
        """Leave a row out that does not meet the condition, whatever else is wrong with it."""
        names = self._columns.conditions
        try:
            if condition.is_met(dict(zip(names, cells, strict=True))):
                return
        except CellUnfit as exc:
            column = self.name(names[exc.column])
            raise RowRejected(RejectCode.BAD_CONDITION, column, str(exc), "correct the cell") from None
        raise RowRejected(RejectCode.NOT_WANTED, "", "contacts.where leaves it out")

    def _reject_nul(self, *cells: str) -> None:
        for index, cell in enumerate(cells):
            if "\0" in cell:
                reason = "the cell holds a NUL character"
                raise RowRejected(RejectCode.BROKEN_ROW, self.name(index), reason, "type it again")

    def _reject_faulty_cells(self, row: Row, *cells: str) -> None:
        """Reject a row if a cell that is used has no usable value. An error that means "no value" (#N/A) is a blank."""
        columns = self._columns
        place = place_of_phone([cells[index] for index in columns.phones])
        others = (columns.country, columns.zone, columns.not_after, columns.consent, columns.key)
        texts = (*columns.voice.values(), *columns.variables.values(), *columns.callback.values())
        used = (*texts, *(one for one in others if one is not None))
        for index in (*columns.phones[: place + 1], *used):
            fault = row.faults.get(index)
            if fault is not None and (index == columns.phones[place] or cells[index] or not row.cells[index].strip()):
                code = RejectCode.INVALID_NUMBER if index in columns.phones else RejectCode.MISSING_VARIABLE
                raise RowRejected(code, self.name(index), *fault)

    def _zone_or_by_number(self, written: str, number: ParsedNumber, *phones: str) -> str | None:
        return self._zone_named(written) if written else self._zone_by_number(number, *phones)

    def _zone_or_schedules(self, written: str, *_: object) -> str | None:
        return self._zone_named(written) if written else self._schedule_zone

    def _zone_named(self, written: str) -> str:
        try:
            return zones.zone_named(written).key
        except zones.BadZone as exc:
            column = self.name(self._columns.zone or 0)
            raise RowRejected(RejectCode.BAD_ZONE, column, str(exc), exc.suggestion) from None

    def _zone_by_number(self, number: ParsedNumber, *phones: str) -> str | None:
        candidates = number.zones
        if not candidates:
            return self._schedule_zone
        if candidates not in self._shared_zones:
            self._shared_zones[candidates] = self._shared_zone(candidates)
        zone = self._shared_zones[candidates]
        if zone is None:
            reason = f"its number may be in any of {len(candidates)} time zones, which share no hour of the windows"
            advice = (
                "name the zone in a column (contacts.zone), or go by schedule.zone (contacts.zone_by_number: false)"
            )
            raise RowRejected(RejectCode.BAD_ZONE, self._numbers.name_of_phone(phones), reason, advice)
        return zone

    def _shared_zone(self, candidates: Sequence[str]) -> str | None:
        """The zones as a contact has them; None if the windows have no hour at which all of them may be called."""
        zone = ",".join(candidates)
        return zone if self._definition.windows.ever_open(*zones.zones_of(zone)) else None

    def _not_after(self, written: str, zone: str | None) -> datetime | None:
        column = self.name(self._columns.not_after or 0)
        if not written and self._definition.reminders:
            reason = "the moment of the appointment is blank"
            raise RowRejected(RejectCode.BAD_NOT_AFTER, column, reason, "fill it in or remove the row")
        if not written:
            return None
        try:
            moment = times.parse_moment(written)
        except times.BadMoment as exc:
            raise RowRejected(RejectCode.BAD_NOT_AFTER, column, str(exc), exc.suggestion) from None
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        if zone is None:
            reason = "the moment has no offset, and the contact no time zone"
            raise RowRejected(RejectCode.BAD_NOT_AFTER, column, reason, "write the offset, or set schedule.zone")
        return times.earliest(moment, *zones.zones_of(zone))

    def _consent(self, written: str) -> str:
        if not written:
            column, reason = self.name(self._columns.consent or 0), "nothing says that this person agreed to be called"
            raise RowRejected(RejectCode.NO_CONSENT, column, reason, "fill it in or remove the row")
        return written

    def _key(self, written: str) -> str:
        column = self.name(self._columns.key or 0)
        if not written:
            advice = "fill it in or remove the row"
            raise RowRejected(RejectCode.BAD_KEY, column, "the key is blank", advice)
        if not is_short_text(written, LONGEST_KEY):
            reason = f"a key has up to {LONGEST_KEY} characters, all of which can be printed"
            raise RowRejected(RejectCode.BAD_KEY, column, reason, "shorten it")
        return written

    def list_columns(self) -> list[tuple[str, str | None]]:
        """The names of the list's columns as written, each with the name under which contacts have it among fields."""
        fields = {index: name for name, index in self._columns.fields.items()}
        return [(name, fields.get(index)) for index, name in enumerate(self._layout.header[: self._width])]

    def key_column(self) -> str:
        """The name of the column of keys."""
        return self.name(self._columns.key or 0)

    def _voice(self, *cells: str) -> Mapping[str, str]:
        return {name: cell for name, cell in zip(self._columns.voice, cells, strict=True) if cell}


def _country_cell(written: str, trimmed: str) -> str:
    """The cell with the country. In any other column, Namibia's code is R's word for no value."""
    return NAMIBIA if written.strip() == NAMIBIA else trimmed
