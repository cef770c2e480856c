"""What an import came to, in the order in which people read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from campaigns.audience.rejects import EXCLUDED, RejectCode

INVALID_NUMBER_CODES = (RejectCode.INVALID_NUMBER, RejectCode.EMPTY_NUMBER, RejectCode.BAD_COUNTRY)
VALID = "valid"
DISPLAY_ORDER = (
    *("rows_read", "valid", "duplicate_in_file", "duplicate_in_campaign", "on_dnc", "invalid_number"),
    *("missing_variable", "text_too_long", "other", "will_dial"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """The counts of a list's rows. `valid` and the faults add up to `rows_read`.

    Contacts on the suppression list, or of another campaign of this name that goes on, are valid and left out.
    """

    rows_read: int
    valid: int
    duplicate_in_file: int
    duplicate_in_campaign: int = 0
    on_dnc: int = 0
    invalid_number: int
    missing_variable: int
    text_too_long: int
    other: int

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> ImportSummary:
        """The summary of rows counted by their code, or as valid."""
        total = sum(counts.values())
        left_out = {code: counts.get(code, 0) for code in EXCLUDED}
        valid = counts.get(VALID, 0) + sum(left_out.values())
        duplicate = counts.get(RejectCode.DUPLICATE, 0) + counts.get(RejectCode.LEFT_OUT_DUPLICATE, 0)
        invalid = sum(counts.get(code, 0) for code in INVALID_NUMBER_CODES)
        missing, too_long = counts.get(RejectCode.MISSING_VARIABLE, 0), counts.get(RejectCode.TEXT_TOO_LONG, 0)
        return cls(
            rows_read=total,
            valid=valid,
            duplicate_in_file=duplicate,
            duplicate_in_campaign=left_out[RejectCode.IN_CAMPAIGN],
            on_dnc=left_out[RejectCode.ON_DNC] + left_out[RejectCode.ERASED],
            invalid_number=invalid,
            missing_variable=missing,
            text_too_long=too_long,
            other=total - valid - duplicate - invalid - missing - too_long,
        )

    @property
    def will_dial(self) -> int:
        return self.valid - self.duplicate_in_campaign - self.on_dnc

    @property
    def rejected(self) -> int:
        """Rows that are no contacts, and contacts that are left out."""
        return self.rows_read - self.will_dial

    def lines(self) -> list[tuple[str, int]]:
        """The counts in the order people read them, with their names."""
        return [(name.replace("_", " ").replace("dnc", "DNC"), getattr(self, name)) for name in DISPLAY_ORDER]
