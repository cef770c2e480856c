"""Makes the text of a row, and refuses rows for which none can be made or spoken."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from campaigns.audience.columns import Columns
from campaigns.audience.files.table import Row
from campaigns.audience.rejects import RejectCode
from campaigns.audience.rows.garbled_text import garbled
from campaigns.audience.rows.row_batch import RowRejected
from campaigns.definition import Definition
from campaigns.definition.speech.speech_filters import SpokenValue
from campaigns.definition.templates import BadText, MissingVariable, RowSpeaker
from dialer.providers.provider import ScriptFault
from dialer.scripts import Script

CheckScript = Callable[[Script], ScriptFault | None]
# As spreadsheets show them in any language (#REF!, #WERT!, #¡DIV/0!, #ИМЯ?); a column too narrow; LibreOffice's.
SPREADSHEET_ERROR = re.compile(r"#[¡¿]?[^\W\d_a-z]{2,12}(/0)?[!?]|#{3,}|Err:\d{3}")


class RowTexts:
    """Makes texts by a definition and the columns of one list; `name` gives the name of a column by its index."""

    def __init__(
        self, definition: Definition, columns: Columns, name: Callable[[int], str], check_script: CheckScript | None
    ) -> None:
        self._definition, self._columns, self._name = definition, columns, name
        self._check_script = check_script

    def text(
        self, speak: RowSpeaker, row: Row, zone: str | None, voice: Mapping[str, str], *values: str
    ) -> tuple[str, Sequence[SpokenValue]]:
        """The text, and what was made of the values of its variables."""
        try:
            text, spoken = speak(values, zone)
        except MissingVariable as exc:
            raise self._blank_variable(row, exc.name) from None
        except BadText as exc:
            variables = zip(self._columns.variables.values(), values, strict=False)
            column = next((self._name(index) for index, value in variables if value == exc.value), "")
            advice = exc.suggestion or "correct the row's cells or the template"
            raise RowRejected(RejectCode.BAD_TEXT, column, str(exc), advice) from None
        if "#" in text or "Err:" in text:
            self._reject_spreadsheet_errors(values)
        if not (text.isascii() and text.isprintable()):
            self._reject_garbled(text, values)
        if self._check_script is not None:
            self._reject_unspeakable(self._check_script, text, voice)
        return text, spoken

    def check_callback(self, zone: str | None, *values: str) -> None:
        """Reject a row for which `callback_data` cannot be made, as it will be when the contact is called."""
        try:
            self._definition.callback_text(dict(zip(self._columns.callback, values, strict=True)), zone)
        except MissingVariable as exc:
            column = self._name(self._columns.callback[exc.name])
            advice = "fill it in, or say in callback_data what stands there instead"
            raise RowRejected(RejectCode.MISSING_VARIABLE, column, f"{exc}, and callback_data has it", advice) from None
        except BadText as exc:
            advice = exc.suggestion or "correct the row's cells or callback_data"
            raise RowRejected(RejectCode.BAD_TEXT, "", f"callback_data: {exc}", advice) from None

    def _blank_variable(self, row: Row, name: str) -> RowRejected:
        index = self._columns.variables[name]
        written = row.cells[index].strip()
        reason = (
            f'{name} is blank: "{written}" is no value' if written.isprintable() and written else f"{name} is blank"
        )
        return RowRejected(RejectCode.MISSING_VARIABLE, self._name(index), reason, "fill it in or remove the row")

    def _reject_spreadsheet_errors(self, values: Sequence[str]) -> None:
        """Reject a row whose spoken cells hold an error of the spreadsheet, such as #REF!."""
        for index, value in zip(self._columns.variables.values(), values, strict=False):
            if SPREADSHEET_ERROR.fullmatch(value):
                reason = f"the spreadsheet shows an error here: {value}"
                raise RowRejected(
                    RejectCode.MISSING_VARIABLE, self._name(index), reason, "correct the formula, or type the value"
                )

    def _reject_garbled(self, text: str, values: Sequence[str]) -> None:
        """Reject a row whose text no person wrote so: its letters were read in a wrong encoding, or are none."""
        if fault := garbled(text):
            variables = zip(self._columns.variables.values(), values, strict=False)
            column = next((self._name(index) for index, value in variables if garbled(value)), "")
            raise RowRejected(RejectCode.BAD_TEXT, column, *fault)

    def _reject_unspeakable(self, check_script: CheckScript, text: str | None, voice: Mapping[str, str]) -> None:
        fault = check_script(self._definition.script(text, voice))
        if fault is not None:
            column = self._name(next(iter(self._columns.voice.values()))) if fault.code == "voice" and voice else ""
            raise RowRejected(fault.code, column, fault.reason, fault.suggestion)
