"""`schedule`: when a campaign may call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from campaigns.calendar import times, zones
from campaigns.calendar.windows import Windows
from campaigns.definition.field_types import Country, Cron, Days, Hours, Moment, Weekdays, Zone
from campaigns.definition.sections.reminders import Reminders
from campaigns.definition.sections.section import Section
from dialer.field_errors import field_error
from dialer.providers.registry import offering


class CountryHours(Section):
    """When calling is allowed in one country, by the clock there."""

    windows: dict[Weekdays, Hours] | None = Field(
        None, description="Hours by weekday in this country; absent: those of schedule.windows."
    )
    holidays: Days | None = Field(None, description="Days without calls there; absent: those of schedule.holidays.")

    @model_validator(mode="after")
    def _open_at_all(self) -> CountryHours:
        if self.windows is not None and not any(self.windows.values()):
            raise field_error("windows never open", "write some hours, or leave the country's contacts out of the list")
        return self


class Schedule(Section):
    """When calling is allowed. Clock times are those of the contact's zone, start and end those of `zone`."""

    zone: Zone | None = Field(
        None, description="IANA zone of contacts for whom neither a column nor the number tells one."
    )
    windows: dict[Weekdays, Hours] | None = Field(
        None,
        description="Hours by weekday: {mon-fri: ['09:00-12:30', '13:00-20:00'], sat: '10:00-14:00'}; "
        "'21:00-02:00' runs past midnight; absent: any time.",
    )
    holidays: Days = Field(
        (),
        description="Days without calls, by the contact's calendar: a country (US), a part of it (US-CA), "
        "dates (2026-12-24).",
    )
    by_country: dict[Country, CountryHours] = Field(
        {},
        description="Countries with hours or holidays of their own: {CA: {windows: {mon-sat: '09:00-20:00'}, "
        "holidays: CA}}. A contact is in the country of its zone.",
    )
    before: Reminders | None = Field(
        None, description="Several reminders of one appointment: {column: appointment_at, at: [3d, 1d, 2h]}."
    )
    vendor_queue: bool = Field(
        False,
        description="Hand contacts that wait for their moment to the provider up to a day before "
        f"({offering('send_at')}); pause, cancel and dnc do not reach what was handed over.",
    )
    start: Moment | None = Field(None, description="No call before this moment: 2026-12-01T09:00.")
    end: Moment | None = Field(None, description="No call from this moment on; contacts not reached by then expire.")

    repeat: Cron | None = Field(
        None, description='When to launch it anew with a fresh list, as cron says it, in `zone`: "0 9 * * 1-5".'
    )
    missed: Literal["skip", "once"] = Field(
        "skip", description="What to do when nobody was there to launch a run: leave it out, or launch one late."
    )

    @field_validator("by_country", mode="before")
    @classmethod
    def _each_country_once(cls, countries: object) -> object:
        codes = [str(code).strip().upper() for code in countries] if isinstance(countries, dict) else []
        if twice := next((code for code in codes if codes.count(code) > 1), None):
            raise field_error(f"{twice} stands here twice", "keep one of them")
        return countries

    @model_validator(mode="after")
    def _consistent(self) -> Schedule:
        if self.windows is not None and not any(self.windows.values()):
            raise field_error("windows never open", "write some hours, or leave windows out to call at any time")
        if (self.windows or self.holidays) and self.zone is None:
            given = "windows are" if self.windows else "holidays are"
            raise field_error(
                f"{given} given without a zone", "add zone: America/New_York, or the one your contacts are in"
            )
        if self.by_country and not self.windows:
            raise field_error(
                "by_country is given without windows", "add windows: the hours of contacts in every other country"
            )
        if self.before and self.vendor_queue:
            raise field_error(
                "has both before and vendor_queue: a confirmation would not reach what was handed over",
                "remove vendor_queue: the dialer waits by itself",
            )
        if self.repeat and self.zone is None:
            raise field_error("repeat is given without a zone", "add zone: the clock by which it repeats")
        if self.repeat and self.start:
            raise field_error("has both start and repeat", "keep repeat: it says when each run starts")
        for name in ("start", "end"):
            moment = getattr(self, name)
            if moment and moment.tzinfo is None and self.zone is None:
                raise field_error(
                    f"{name} is given without a zone", "add zone, or write the offset: 2026-12-01T09:00-05:00"
                )
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise field_error("end comes before start", "correct one of them")
        return self

    def open_windows(self) -> Windows:
        """When calling is allowed, by the clock of each contact's zone, in each country."""
        windows = self.windows or {}
        countries = {
            code: Windows.parse(windows if own.windows is None else own.windows, self._days_without_calls(own))
            for code, own in self.by_country.items()
        }
        return replace(Windows.parse(windows, self.holidays), countries=tuple(countries.items()))

    def _days_without_calls(self, own: CountryHours) -> Days:
        return self.holidays if own.holidays is None else own.holidays

    @property
    def clock(self) -> ZoneInfo | None:
        """The zone by whose clock people read the campaign's moments; None: the file names none."""
        return zones.zone_named(self.zone) if self.zone else None

    @property
    def starts_at(self) -> datetime | None:
        """No call before this moment (UTC); if a clock change makes it ambiguous, the later moment."""
        return self._moment(self.start, times.latest)

    @property
    def ends_at(self) -> datetime | None:
        """No call from this moment on (UTC); if a clock change makes it ambiguous, the earlier moment."""
        return self._moment(self.end, times.earliest)

    def _moment(self, written: datetime | None, choose: Callable[[datetime, ZoneInfo], datetime]) -> datetime | None:
        if written is None or written.tzinfo is not None or self.zone is None:
            return written and written.astimezone(UTC)
        return choose(written, zones.zone_named(self.zone))
