"""The definition of a campaign: the keys of its file, and what follows from them for each contact, call and account."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from itertools import accumulate

from pydantic import (
    PrivateAttr,
    model_validator,
)

from campaigns.calendar.windows import Windows
from campaigns.definition.campaign_keys import MOST_CALLBACK_DATA, CampaignKeys
from campaigns.definition.sections.caller_ids import CallerIds, Written
from campaigns.definition.sections.frequency import Cap
from campaigns.definition.sections.responses import folded
from campaigns.definition.templates import BadText, RowSpeaker, SpokenText, Template
from campaigns.definition.validation_errors import value_at
from campaigns.definition.yaml_source import (
    FileFault,
    KeyPath,
    Source,
    YamlValue,
    format_path,
)
from campaigns.retention_periods import Retention
from dialer.calls import Outcome
from dialer.field_errors import field_error
from dialer.retry import RetryPolicy
from dialer.scripts import Recording, Script, Speech
from dialer.verdicts import Ruling

REMINDER = "reminder"  # in a text: which reminder of the appointment it is
VARIANT = "variant"  # … which of several texts is the contact's


class Origin:
    """The source that a definition was read from. All origins compare equal, so that they do not affect comparisons."""

    def __init__(self, source: Source | None = None) -> None:
        self.source = source

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin)

    __hash__ = None  # type: ignore[assignment]


class Definition(CampaignKeys):
    """One campaign: one run over one list."""

    _origin: Origin = PrivateAttr(default_factory=Origin)

    @model_validator(mode="after")
    def _accounts_agree(self) -> Definition:
        if len(set(self.accounts)) < len(self.accounts):
            raise field_error("names one of them twice", "keep each once", ["accounts"])
        self._check_answered_short()
        if self.contacts.standing and self.schedule.repeat is not None:
            raise field_error("a standing campaign is not repeated: it goes on", "remove it", ["schedule", "repeat"])
        if unlisted := next((name for name in self.by_account if name not in self.all_accounts), None):
            raise field_error("is not among the accounts", "add it to accounts", ["by_account", unlisted])
        return self

    def _check_answered_short(self) -> None:
        if self.retry is None or self.retry.answered_short is None:
            return
        if self.template is None:
            raise field_error(
                "needs a text: how long a recording is, nobody tells",
                "remove it, or write a text",
                ["retry", "answered_short"],
            )
        for name, own in self.by_account.items():
            if own.message is not None and own.message.media is not None:
                raise field_error(
                    "is a recording, and how long one is, nobody tells: retry.answered_short needs a text",
                    "write a text for this account, or remove answered_short",
                    ["by_account", name, "message"],
                )

    @cached_property
    def windows(self) -> Windows:
        """When calling is allowed, in each contact's own zone."""
        return self.schedule.open_windows()

    @cached_property
    def template(self) -> Template | None:
        """The template of the message's text; None for a recording, and when there is no message."""
        text = self.message.text if self.message else None
        return None if text is None else Template(text)

    @cached_property
    def callback_template(self) -> Template | None:
        """The template of what comes back with the receipts of a call."""
        return None if self.callback_data is None else Template(self.callback_data)

    def callback_text(self, fields: Mapping[str, str], zones: str | None) -> str | None:
        """What comes back with the receipts of this contact's call. Raises BadText for what cannot be made or sent."""
        if self.callback_template is None:
            return None
        text = self.callback_template.render(fields, zones)
        if len(text) > MOST_CALLBACK_DATA:
            raise BadText(f"it comes to {len(text)} characters, and {MOST_CALLBACK_DATA} are taken")
        return text

    @property
    def all_accounts(self) -> tuple[str, ...]:
        """Every account that it may dial with, the preferred one first."""
        return self.accounts or (self.account,)

    def for_account(self, name: str) -> Definition:
        """The definition with the message and caller ID that `by_account` has for this account."""
        own = self.by_account.get(name)
        if own is None:
            return self
        base = json.loads(self.model_dump_json(exclude_unset=True))
        changes = json.loads(own.model_dump_json(exclude_none=True))  # in the ledger, absent keys are null
        definition = Definition.model_validate(base | changes)
        definition._origin = self._origin
        return definition

    def row_speaker(self, names: Sequence[str]) -> RowSpeaker | None:
        """What makes a row's text of the values of these variables, as `speak` does; None where nothing is spoken."""
        template = self.template
        if template is None:
            return None
        if not self.speaks_of_reminder:
            return template.row_speaker(names)
        return lambda values, zones: self.speak(template, dict(zip(names, values, strict=True)), zones)

    def speak(self, template: Template, row: Mapping[str, str], zones: str | None) -> SpokenText:
        """A row's text by its template. Raises BadText.

        One that names its reminder is made for each of them: all have to come out well, and the longest is given.
        """
        if not self.speaks_of_reminder:
            return template.speak(row, zones)
        texts = [template.speak({**row, REMINDER: label}, zones) for label in self.reminder_labels]
        return max(texts, key=lambda spoken: len(spoken.text))

    def variant_for(self, key: str, number: str) -> str | None:
        """Which of several texts is the contact's, by its key, else its number (E.164); None where there is one."""
        variants = self.message.variants if self.message else {}
        if not variants:
            return None
        name = f"{self.campaign}\0{key or number}".encode("utf-8", "replace")
        until = list(accumulate(one.weight for one in variants.values()))
        place = int.from_bytes(blake2b(name, digest_size=8).digest(), "big") % until[-1]
        return next(name for name, end in zip(variants, until, strict=True) if place < end)

    @cached_property
    def own_variables(self) -> frozenset[str]:
        """Variables of the text that no column gives: which reminder it is, and which variant."""
        variants = bool(self.message and self.message.variants)
        return frozenset([*([REMINDER] if self.speaks_of_reminder else []), *([VARIANT] if variants else [])])

    @cached_property
    def speaks_of_reminder(self) -> bool:
        """Whether the text depends on which reminder of the appointment it is."""
        return bool(self.reminders) and self.template is not None and REMINDER in self.template.variables

    @property
    def reminders(self) -> tuple[timedelta, ...]:
        """How long before its appointment a contact is called, each time; empty where it is called once."""
        return self.schedule.before.at if self.schedule.before else ()

    @property
    def reminder_labels(self) -> tuple[str, ...]:
        """The reminders by their names: 3d, 1d, 2h."""
        return self.schedule.before.labels if self.schedule.before else ()

    def reminder_label(self, number: int | None) -> str | None:
        """The name of a reminder, by its number from 1; None for none."""
        return self.reminder_labels[number - 1] if number and number <= len(self.reminders) else None

    @property
    def is_same_for_all(self) -> bool:
        """Whether every contact hears the same, so that a fault of the message concerns all of them."""
        return self.template is None or self.template.is_fixed

    @property
    def starts_at(self) -> datetime | None:
        """No call before this moment (aware, UTC)."""
        return self.schedule.starts_at

    @property
    def ends_at(self) -> datetime | None:
        """No call from this moment on (aware, UTC)."""
        return self.schedule.ends_at

    @cached_property
    def other_part_of_day_outcomes(self) -> frozenset[Outcome]:
        """Outcomes after which the next try is in another part of the contact's day."""
        return frozenset(map(Outcome, self.retry.other_part_of_day)) if self.retry else frozenset()

    @cached_property
    def caps(self) -> tuple[Cap, ...]:
        """How often one number may be called, counting the calls of all campaigns."""
        return self.frequency.caps() if self.frequency else ()

    def kept(self, general: Retention) -> Retention:
        """For how long what is known of its people is kept, where the settings keep it as `general` says."""
        return (self.retention or Retention()).over(general)

    def response_to(self, pressed: str) -> str | None:
        """What pressing this key, or a tag of this name, means here; None where it means nothing."""
        return self._responses.get(folded(pressed))

    @cached_property
    def _responses(self) -> Mapping[str, str]:
        return {folded(pressed): name for pressed, name in self.responses.items()}

    def retry_policy(self) -> RetryPolicy:
        """When to try again after each outcome; without `retry`, never."""
        return self.retry.policy() if self.retry else RetryPolicy()

    def is_short(self, talk_seconds: float | None, script_seconds: float) -> bool:
        """Whether an answered call was over before enough of its text was said; not, where its length is not known."""
        rule = self.retry.answered_short if self.retry else None
        repeat = self.message.repeat if self.message else 1
        return rule is not None and talk_seconds is not None and talk_seconds < rule.under * script_seconds / repeat

    def override_ruling(self, ruling: Ruling) -> Ruling:
        """The ruling, with the verdict that `retry.mnemonics` has for its mnemonic."""
        return self.retry.override_ruling(ruling) if self.retry else ruling

    def script(self, text: str | None = None, voice: Mapping[str, str] | None = None) -> Script:
        """The script for one contact: its rendered `text` in its own `voice` settings, or the recording.

        An empty text stands for a call without a message.
        """
        if self.message is None:
            return Speech(text="")
        if self.message.media is not None:
            return Recording(media_id=self.message.media)
        spoken = " ".join([text] * self.message.repeat) if text else ""
        return Speech(text=spoken, voice={**self.message.voice, **voice} if voice else self.message.voice)

    @property
    def file(self) -> str:
        """The path of the campaign file that it was read from, else the campaign's name."""
        return self.fault((), "").file

    def path_of_variable(self, name: str) -> KeyPath:
        """The path of the first text that has this variable."""
        for variant, one in (self.message.variants if self.message else {}).items():
            if name in Template(one.tts).variables:
                return ("message", "variants", variant, "tts")
        return ("message", "tts")

    def shown_by(self, account: str) -> tuple[KeyPath, CallerIds]:
        """The numbers that this account shows, with the path of the key that names them."""
        own = self.by_account.get(account)
        if own is None or own.caller_id is None:
            return ("caller_id",), self.caller_id
        return ("by_account", account, "caller_id"), own.caller_id

    @property
    def pools(self) -> Mapping[str, CallerIds]:
        """All numbers that its accounts show, by the keys that name them."""
        of_accounts = (self.shown_by(account) for account in (self.account, *self.by_account))
        return {format_path(path): pool for path, pool in of_accounts} | {"caller_id": self.caller_id}

    def path_of_number(self, account: str, place: int) -> KeyPath:
        """The path of one of the numbers that this account shows, as it is written."""
        path, pool = self.shown_by(account)
        written: YamlValue | Written = pool.written
        if self._origin.source is not None:
            written = value_at(self._origin.source.data, path)
        if isinstance(written, str):
            return path
        return (*path, "numbers", place) if isinstance(written, dict) else (*path, place)

    def fault(self, path: KeyPath, message: str, suggestion: str = "") -> FileFault:
        """A fault at a key of this definition, with line and column if it was read from a file."""
        if self._origin.source is not None:
            return self._origin.source.fault(path, message, suggestion)
        return FileFault(file=self.campaign, key=format_path(path), message=message, suggestion=suggestion)
