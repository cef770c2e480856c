"""Types of single values in a campaign file: durations, moments, zones, numbers; each error says what to write."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from campaigns.calendar import times, zones
from campaigns.calendar.holidays import check_holiday
from campaigns.definition.encodings import NoSuchEncoding, encoding_named
from campaigns.definition.row_conditions import BadCondition, RowCondition
from campaigns.definition.template_sandbox import TemplateFault
from campaigns.definition.templates import BadText, Template
from dialer.field_errors import field_error
from dialer.number_kinds import NumberKind
from dialer.phone import BadCountry, BadPhoneNumber, country_named, parse

SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = r"^[0-9]+(\.[0-9]+)?[smhd]$"
SHARE = r"[0-9]{1,3}(\.[0-9]+)?%"
NATIONAL_DIGITS = 10  # as many may be a number without its country code
CRON_FIELDS = 5
CRON_VALUES = (60, 24, 31, 12, 7)
HOW_TO_REPEAT = 'write "0 9 * * 1-5": minute hour day month weekday'
LONGEST_DELAY = 30 * SECONDS_PER_UNIT["d"]


def _checked(check: Callable[[str], object]) -> AfterValidator:
    """A validator that keeps the text unchanged if `check` accepts it, and turns its error into a field error."""

    def validate(text: str) -> str:
        try:
            check(text)
        except (times.BadTime, NoSuchEncoding) as exc:
            raise field_error(str(exc), exc.suggestion) from None
        except TemplateFault as exc:
            raise field_error(exc.message, exc.remedy) from None
        except BadText as exc:
            raise field_error(str(exc).replace(" for this contact", ""), exc.suggestion or "correct the text") from None
        return text

    return AfterValidator(validate)


def _speakable(text: str) -> None:
    """Raise TemplateFault for a text that cannot be parsed, BadText for a fixed text that cannot be rendered."""
    template = Template(text)
    if template.is_fixed:
        template.render({})


def _condition(text: str) -> str:
    try:
        RowCondition(text)
    except BadCondition as exc:
        raise field_error(str(exc), exc.suggestion) from None
    return text


def _country(text: str) -> str:
    try:
        return country_named(text)
    except BadCountry as exc:
        raise field_error(str(exc), exc.suggestion) from None


def _caller_id(text: str) -> str:
    try:
        return parse(text).e164
    except BadPhoneNumber as exc:
        raise field_error(str(exc), _with_plus(text) or exc.suggestion) from None


def _with_plus(text: str) -> str | None:
    """What to write for a caller ID that has lost its plus; None for another one, and where a plus makes no number."""
    if not text.isdigit() or len(text) <= NATIONAL_DIGITS:
        return None
    try:
        return f'write "{parse(f"+{text}").e164}"'
    except BadPhoneNumber:
        return None


def _moment(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return times.parse_moment(value)
    except times.BadMoment as exc:
        raise field_error(str(exc), exc.suggestion) from None


def _duration(value: object) -> object:
    """Read `30s`, `5m`, `2h` or `1d` as a timedelta; other types pass unchanged."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(DURATION, value):
        raise field_error(f'"{value}" is not a duration', "write a number and a unit: 30s, 5m, 2h or 1d")
    seconds = float(value[:-1]) * SECONDS_PER_UNIT[value[-1]]
    if not 1 <= seconds <= LONGEST_DELAY:
        raise field_error(f'"{value}" is too {"short" if seconds < 1 else "long"}', "delays run from 1s to 30d")
    return timedelta(seconds=seconds)


def _share(value: object) -> object:
    """Read `50%` as 0.5; other types pass unchanged."""
    if not isinstance(value, str) or not re.fullmatch(SHARE, value.strip()):
        return value
    return float(value.strip()[:-1]) / 100


def one_or_more(value: object) -> object:
    """A list with a single text, for a field that accepts one text or several."""
    return [value] if isinstance(value, str) else value


def _too_long_a_step(cron_field: str, values: int) -> str | None:
    """The step of a cron field that leads beyond its values, as */90 for minutes does; None if there is none."""
    steps = (part for part in cron_field.split(",") if re.fullmatch(r"[^/]*/\d+", part))
    return next((part for part in steps if int(part.rpartition("/")[2]) >= values), None)


def _cron(text: str) -> str:
    """Five fields: a sixth is seconds in front to some programs, and years at the end to others."""
    fields = len(text.split())
    if step := next(filter(None, map(_too_long_a_step, text.split(), CRON_VALUES)), None):
        reason = f'"{text}": {step} does not carry over to the next hour, day or month, and would mean once in each'
        raise field_error(reason, HOW_TO_REPEAT)
    if fields != CRON_FIELDS:
        reason = f'"{text}" has {fields} field{"s" * (fields != 1)}, and cron has five here: no seconds and no year'
        raise field_error(reason, HOW_TO_REPEAT)
    try:
        CronSim(text, datetime(2026, 1, 1))  # noqa: DTZ001 - only to check the syntax
    except CronSimError as exc:
        raise field_error(f'"{text}" is not a time to repeat at: {exc}', HOW_TO_REPEAT) from None
    return text


T = TypeVar("T")
OneOrMore = Annotated[tuple[T, ...], BeforeValidator(one_or_more)]


def _text_or_many(item: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item}]})


HOURS_SCHEMA = {"type": "string", "pattern": r"^[0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2}$"}
DURATION_SCHEMA = {"type": "string", "pattern": DURATION}

Zone = Annotated[str, _checked(zones.zone_named)]
Weekdays = Annotated[str, _checked(times.parse_weekdays)]
Hours = Annotated[
    tuple[Annotated[str, _checked(times.parse_hours)], ...],
    BeforeValidator(one_or_more),
    _text_or_many(HOURS_SCHEMA),
]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string"})]
Duration = Annotated[
    timedelta, BeforeValidator(_duration), PlainSerializer(lambda delay: f"{delay.total_seconds():.10g}s")
]
Days = Annotated[
    tuple[Annotated[str, _checked(check_holiday)], ...],
    BeforeValidator(one_or_more),
    _text_or_many({"type": "string"}),
]
Delays = Annotated[tuple[Duration, ...], BeforeValidator(one_or_more), _text_or_many(DURATION_SCHEMA)]
Share = Annotated[
    float,
    Field(ge=0, le=1, allow_inf_nan=False),
    BeforeValidator(_share),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "pattern": f"^{SHARE}$"}]}
    ),
]
Cron = Annotated[str, AfterValidator(_cron)]
Column = Annotated[str, Field(min_length=1)]
Columns = Annotated[
    tuple[Column, ...],
    Field(min_length=1),
    BeforeValidator(one_or_more),
    _text_or_many({"type": "string", "minLength": 1}),
]
NumberKinds = Annotated[
    tuple[NumberKind, ...], BeforeValidator(one_or_more), _text_or_many({"enum": [kind.value for kind in NumberKind]})
]
TextOrNumber = WithJsonSchema({"type": ["string", "integer"]})
Encoding = Annotated[str, _checked(encoding_named)]
Condition = Annotated[str, AfterValidator(_condition)]
Country = Annotated[str, AfterValidator(_country)]
CallerId = Annotated[str, AfterValidator(_caller_id)]
TemplateText = Annotated[str, Field(min_length=1), _checked(_speakable)]
