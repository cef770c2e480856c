"""The counts of an import: how many rows were read, valid, rejected by each reason, and will be dialed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from campaigns.audience.rejects import EXCLUDED, RejectCode

INVALID_NUMBER_CODES = (
    *(RejectCode.INVALID_NUMBER, RejectCode.EMPTY_NUMBER),
    *(RejectCode.BAD_COUNTRY, RejectCode.KIND_NOT_ALLOWED),
)
VALID = "valid"
DISPLAY_ORDER = (
    *("rows_read", "valid", "duplicate_in_file", "duplicate_in_campaign", "on_dnc", "invalid_number"),
    *("missing_variable", "text_too_long", "other", "not_wanted", "will_dial"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """The counts of a list's rows. `valid`, `not_wanted` (left out by `contacts.where`) and the fields for faults add
    up to `rows_read`.

    Contacts on the suppression list (`on_dnc`), or in another campaign of this name that has not ended
    (`duplicate_in_campaign`), count as valid and are not dialed.
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
    not_wanted: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> ImportSummary:
        """The summary of row counts by reject code, with those of contacts under `VALID`."""
        total = sum(counts.values())
        excluded = {code: counts.get(code, 0) for code in EXCLUDED}
        valid = counts.get(VALID, 0) + sum(excluded.values())
        duplicate = counts.get(RejectCode.DUPLICATE, 0) + counts.get(RejectCode.LEFT_OUT_DUPLICATE, 0)
        invalid = sum(counts.get(code, 0) for code in INVALID_NUMBER_CODES)
        missing, too_long = counts.get(RejectCode.MISSING_VARIABLE, 0), counts.get(RejectCode.TEXT_TOO_LONG, 0)
        return cls(
            rows_read=total,
            valid=valid,
            duplicate_in_file=duplicate,
            duplicate_in_campaign=excluded[RejectCode.IN_CAMPAIGN],
            on_dnc=excluded[RejectCode.ON_DNC] + excluded[RejectCode.ERASED],
            invalid_number=invalid,
            missing_variable=missing,
            text_too_long=too_long,
            not_wanted=(unwanted := counts.get(RejectCode.NOT_WANTED, 0)),
            other=total - unwanted - valid - duplicate - invalid - missing - too_long,
        )

    @property
    def will_dial(self) -> int:
        """Contacts that the campaign will call."""
        return self.valid - self.duplicate_in_campaign - self.on_dnc

    @property
    def rejected(self) -> int:
        """Rows that will not be dialed: faulty ones and excluded contacts, without those that were not wanted."""
        return self.rows_read - self.will_dial - self.not_wanted

    def lines(self) -> list[tuple[str, int]]:
        """Each count with its label, in the order in which they are shown."""
        return [(name.replace("_", " ").replace("dnc", "DNC"), getattr(self, name)) for name in DISPLAY_ORDER]
