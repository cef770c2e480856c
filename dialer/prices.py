"""What an account's calls cost, by its settings. Money is exact: amounts are decimals, or whole millionths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Annotated, NamedTuple

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, field_validator

from dialer.phone import place_of

MILLIONTHS = 1_000_000
Amount = Annotated[Decimal, Field(ge=0, le=10_000, max_digits=11, decimal_places=6)]
LONGER_THAN_ESTIMATED, ANSWERING_SECONDS = 2, 30
LONGEST_TALK = 60  # minutes, where nobody says how long a talk may be


class CountryPrice(BaseModel):
    """What is different for calls to one country."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_call: Amount | None = None
    per_minute: Amount | None = None


class Prices(BaseModel):
    """What calls cost. Each that the provider accepted costs `per_call`, each minute begun of its talk `per_minute`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = Field(description="Of all these prices: EUR.")
    per_call: Amount = Field(Decimal(0), description="Each call that the provider accepts, answered or not.")
    per_minute: Amount = Field(Decimal(0), description="A minute of talk.")
    round_to: Annotated[int, Field(gt=0, le=3600)] = Field(
        60, description="Seconds that are charged at a time: each part begun costs as a whole one."
    )
    by_country: Mapping[str, CountryPrice] = Field({}, description="Other prices for the numbers of a country.")
    longest_minutes: Annotated[int, Field(gt=0, le=1440)] | None = Field(
        None, description="No call is longer: what a budget keeps back for each until it has ended."
    )

    @field_validator("by_country")
    @classmethod
    def _countries(cls, prices: Mapping[str, CountryPrice]) -> Mapping[str, CountryPrice]:
        for country in prices:
            if country not in phonenumbers.SUPPORTED_REGIONS:
                raise ValueError(f"no country has the code {country!r}: write US, GB, RU …")
        return prices

    def of_call(self, e164: str, seconds: float, *, talks: bool = False) -> CallPrice:
        """What a call to this number costs, and what is kept back for it. `seconds`: about how long its message takes.

        `talks`: people talk in it, for as long as they like.
        """
        country = self.by_country.get(place_of(e164).country) if self.by_country else None
        call = self.per_call if country is None or country.per_call is None else country.per_call
        minute = self.per_minute if country is None or country.per_minute is None else country.per_minute
        part = (minute * self.round_to / 60 * MILLIONTHS).to_integral_value(ROUND_CEILING)
        price = CallPrice(self.currency, millionths(call), int(part), self.round_to, 0)
        return price._replace(kept_back=price.cost(self._longest(seconds, talks)))

    def _longest(self, seconds: float, talks: bool) -> float:
        if self.longest_minutes is not None:
            return self.longest_minutes * 60
        return LONGEST_TALK * 60 if talks else seconds * LONGER_THAN_ESTIMATED + ANSWERING_SECONDS


class CallPrice(NamedTuple):
    """The price of one call, in millionths of its currency: of the call, of each part of its talk that is begun.

    `kept_back` is what a budget reserves for it until it has ended.
    """

    currency: str
    call: int
    part: int
    part_seconds: int
    kept_back: int

    def cost(self, talk_seconds: float) -> int:
        """What the call costs after so long a talk."""
        return self.call + self.part * math.ceil(talk_seconds / self.part_seconds)


def millionths(amount: Decimal) -> int:
    """An amount in millionths; what is less than one is rounded up."""
    return int((amount * MILLIONTHS).to_integral_value(ROUND_CEILING))


def amount(millionths: int) -> Decimal:
    """An amount of money from its millionths, with two decimals at least: 1.50, 0.0075."""
    exact = (Decimal(millionths) / MILLIONTHS).normalize()
    return exact.quantize(Decimal("0.01")) if int(exact.as_tuple().exponent) > -2 else exact
