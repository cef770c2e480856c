"""`caller_id`: the number that is shown to the people called, or several, of which each contact has one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, PlainSerializer, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from campaigns.definition.field_types import CallerId, OneOrMore
from campaigns.definition.sections.section import Section
from dialer.field_errors import field_error
from dialer.phone import Place, place_of

MOST_NUMBERS = 200
Written = str | list[str] | dict[str, Any]
"""As a campaign file has it: a number, several, or a section."""


class CallerIds(Section):
    """One number alone, a list of numbers, or numbers with how they are shared out and how often one calls a day.

    A contact has one of them for good, from its first call on.
    """

    numbers: OneOrMore[CallerId] = Field(description="The numbers, of which each contact is shown one.")
    by: Literal["rotation", "region"] = Field(
        "rotation",
        description="Who is shown which: in turns (rotation), or one of the contact's own country, of its own area "
        "where there is one (region).",
    )
    per_day: Annotated[int, Field(gt=0, le=1_000_000_000)] | None = Field(
        None,
        description="Calls a day from one number, by all campaigns together; a day is one of schedule.zone, or UTC. "
        "Contacts whose number has had them wait for the next day.",
    )

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"numbers": [data]}
        return {"numbers": data} if isinstance(data, list | tuple) else data

    @field_validator("numbers")
    @classmethod
    def _several(cls, numbers: tuple[str, ...]) -> tuple[str, ...]:
        if not numbers:
            raise field_error("names no number", 'write the number that is shown: "+18005550100"')
        if doubled := next((number for place, number in enumerate(numbers) if number in numbers[:place]), None):
            raise field_error(f"names {doubled} twice", "keep each number once")
        if len(numbers) > MOST_NUMBERS:
            raise field_error(f"names {len(numbers)} numbers", f"keep {MOST_NUMBERS} of them at the most")
        return numbers

    @model_validator(mode="after")
    def _have_regions(self) -> CallerIds:
        nowhere = (number for number, place in self._places.items() if not place.country)
        if self.by == "region" and (number := next(nowhere, None)):
            raise field_error(f"{number} belongs to no country", "remove it, or write by: rotation")
        return self

    @property
    def first(self) -> str:
        """The number of a campaign that has one, and of a call that is no contact's."""
        return self.numbers[0]

    @property
    def are_shared_out(self) -> bool:
        """Whether each contact is given one of them, or has to wait for it."""
        return len(self.numbers) > 1 or self.per_day is not None or self.by == "region"

    @property
    def calls_a_day(self) -> int | None:
        """Calls a day from all of them together; None where they are not limited."""
        return self.per_day * len(self.numbers) if self.per_day else None

    @property
    def written(self) -> Written:
        """As short as a campaign file has it."""
        keys = {"by": self.by} if self.by != "rotation" else {}
        limit = {"per_day": self.per_day} if self.per_day else {}
        numbers = list(self.numbers)
        return {"numbers": numbers, **keys, **limit} if keys or limit else numbers if len(numbers) > 1 else self.first

    def for_contact(self, own: str | None) -> str:
        """The number shown to a contact, `own` if it has been given one of these."""
        return own if own in self.numbers else self.first

    def eligible(self, phone: str) -> Sequence[Sequence[str]]:
        """The numbers that may be shown to this one (E.164), in groups: those of the first are preferred."""
        if self.by == "rotation":
            return [self.numbers]
        return self.of_place(place_of(phone))

    def all_eligible(self, phone: str) -> Sequence[str]:
        """The same in one sequence, the preferred ones first."""
        return [number for group in self.eligible(phone) for number in group]

    def codes_of(self, numbers: Collection[str]) -> Sequence[str]:
        """The calling codes whose numbers here are all among these."""
        others = {place.code for number, place in self._places.items() if number not in numbers}
        return sorted({place.code for place in self._places.values()} - others)

    def of_place(self, place: Place) -> Sequence[Sequence[str]]:
        """The numbers of this country: those of the same area, then the others. Empty where it has none."""
        here = [number for number, own in self._places.items() if own.country == place.country]
        same_area = [number for number in here if place.area and self._places[number].area == place.area]
        return [group for group in (same_area, [number for number in here if number not in same_area]) if group]

    @cached_property
    def _places(self) -> dict[str, Place]:
        return {number: place_of(number) for number in self.numbers}


class _WrittenShort:
    """In the schema: a number, or a list of them, may stand for the section."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        number = {"type": "string"}
        return {"anyOf": [number, {"type": "array", "items": number, "minItems": 1}, handler(schema)]}


ShownNumbers = Annotated[CallerIds, PlainSerializer(lambda pool: pool.written), _WrittenShort()]
