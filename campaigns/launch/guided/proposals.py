"""Proposes a whole campaign for an uploaded list: what its columns are for, a text, hours, retries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaigns.audience.column_uses import ColumnUse, recognized
from campaigns.definition import Definition
from campaigns.definition.column_names import comparable
from campaigns.definition.sections.caller_ids import Written
from campaigns.launch.guided.samples import Sample
from campaigns.launch.guided.usual_hours import usual_holidays, usual_hours
from campaigns.launch.scaffold import RETRY, likely_text
from dialer.phone import BadPhoneNumber, PhoneNumber, country_of, parse, zones

ANY_ZONE = "UTC"
MAX_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What is usual here: the accounts, the preferred one first; the number shown last; where the reader seems to be.

    `like` is the campaign whose settings are to be used again.
    """

    accounts: Sequence[str]
    caller_id: Written | None = None
    country: str | None = None
    like: Definition | None = None


def proposal(sample: Sample, list_file: str, name: str, habits: Habits) -> dict[str, Any]:
    """The keys of a campaign file for this list. Without a number to show it lacks `caller_id`."""
    uses = recognized(sample.names, [row.cells for row in sample.rows])
    if habits.like is not None:
        return _alike(habits.like, sample, uses, list_file, name)
    phone = next((index for index, use in uses.items() if use is ColumnUse.PHONE), 0)
    country, numbers = _country_and_numbers(sample.cells(phone), habits.country)
    home = _most_common(filter(None, map(country_of, numbers))) or country
    return {
        "campaign": campaign_name(name),
        **({"account": habits.accounts[0]} if habits.accounts else {}),
        "contacts": {"file": list_file, "country": country, **columns_for(sample.names, uses)},
        "message": {"tts": likely_text(sample.names)},
        **({"caller_id": habits.caller_id} if habits.caller_id else {}),
        "schedule": {
            "zone": _most_common(zone for number in numbers for zone in zones(number)[:1]) or ANY_ZONE,
            "windows": usual_hours(home),
            "holidays": usual_holidays(home),
        },
        "retry": RETRY,
    }


def columns_for(names: Sequence[str], uses: Mapping[int, ColumnUse]) -> dict[str, Any]:
    """The keys of `contacts` that say what these columns are for; None for a use that no column has."""
    phones = [names[index] for index, use in sorted(uses.items()) if use is ColumnUse.PHONE]
    others = {use: names[index] for index, use in uses.items() if use is not ColumnUse.PHONE}
    return {"phone": phones} | {use.value: others.get(use) for use in ColumnUse if use is not ColumnUse.PHONE}


def uses_of(definition: Definition, names: Sequence[str]) -> dict[int, ColumnUse]:
    """What the columns of a list are for, as its definition says."""
    contacts = definition.contacts
    by_name = {comparable(name): ColumnUse.PHONE for name in contacts.phone}
    for use in ColumnUse:
        if use is not ColumnUse.PHONE and (name := getattr(contacts, use.value)):
            by_name[comparable(name)] = use
    return {index: by_name[comparable(name)] for index, name in enumerate(names) if comparable(name) in by_name}


def campaign_name(text: str) -> str:
    """A campaign's name made from a text such as a file's name: letters, digits and dashes."""
    return re.sub(r"[^A-Za-z0-9]+", "-", Path(text).stem).strip("-")[:MAX_NAME].strip("-").lower() or "campaign"


def _alike(
    like: Definition, sample: Sample, uses: Mapping[int, ColumnUse], list_file: str, name: str
) -> dict[str, Any]:
    """The earlier campaign's keys, with what its columns are for where this list has the same."""
    keys: dict[str, Any] = like.model_dump(mode="json", exclude_defaults=True)
    for moment in ("start", "end", "repeat"):
        keys.get("schedule", {}).pop(moment, None)
    columns = columns_for(sample.names, {**uses, **uses_of(like, sample.names)})
    if any(comparable(phone) in map(comparable, sample.names) for phone in like.contacts.phone):
        columns = columns_for(sample.names, uses_of(like, sample.names))
    kept = {key: value for key, value in keys["contacts"].items() if key not in ("sheet", "encoding", "standing")}
    return keys | {"campaign": campaign_name(name), "contacts": kept | columns | {"file": list_file}}


def _country_and_numbers(cells: Sequence[str], likely: str | None) -> tuple[str | None, list[PhoneNumber]]:
    """The country that completes these numbers, None where none is needed or none fits; and those that can be read."""
    with_plus = _parsed(cells, None)
    if len(with_plus) == len([cell for cell in cells if cell.strip()]):
        return None, with_plus
    candidates = dict.fromkeys(filter(None, [_most_common(filter(None, map(country_of, with_plus))), likely]))
    fitting = [(country, _parsed(cells, country)) for country in candidates]
    country, numbers = max(fitting, key=lambda fit: len(fit[1]), default=(None, with_plus))
    return (country, numbers) if len(numbers) > len(with_plus) else (None, with_plus)


def _parsed(cells: Sequence[str], country: str | None) -> list[PhoneNumber]:
    numbers = []
    for cell in cells:
        try:
            numbers.append(parse(cell, country))
        except BadPhoneNumber:
            continue
    return numbers


def _most_common(values: Any) -> str | None:
    most: list[tuple[str, int]] = Counter(values).most_common(1)
    return most[0][0] if most else None
