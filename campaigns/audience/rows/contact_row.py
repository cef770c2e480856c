"""One contact of a list that can be called, as its row gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from campaigns.definition.speech.speech_filters import SpokenValue
from dialer.phone import PhoneNumber

NO_VOICE: Mapping[str, str] = {}
NO_CELLS: Mapping[str, str] = {}


class ContactRow(NamedTuple):
    """One contact of the list that can be called.

    line        its line in the list, from 1
    e164        its number
    fields      all columns but the numbers, by the names that templates use
    zone        IANA zone: the contact's own, else that of its number (all that it may be in, separated by commas), else
                the schedule's; None when none is known and the campaign needs none
    not_after   never call after this moment (UTC); None where the row gives none
    text        the text to speak; None for a recording
    voice       voice settings of its own, which override the message's
    consent     the content of the consent column
    key         its name in the caller's own system, from the column of keys; blank when the list has none
    spoken      what the text's filters made of the row's values
    given       cells that `fields` does not hold as they were written, by their index: numbers, and what was trimmed
    """

    line: int
    e164: str
    fields: Mapping[str, str]
    zone: str | None
    not_after: datetime | None
    text: str | None
    voice: Mapping[str, str]
    consent: str | None
    key: str = ""
    spoken: Sequence[SpokenValue] = ()
    given: Mapping[str, str] = NO_CELLS

    @property
    def phone(self) -> PhoneNumber:
        """Its number, which is masked when it is printed."""
        return PhoneNumber.of_valid(self.e164)

    def __repr__(self) -> str:
        return f"ContactRow({self.line}, {self.phone})"
