"""Drafts that are made step by step: begun from a list, changed part by part, each change checked before it is kept.

A draft is its campaign file. Keys that it still lacks get stand-ins wherever it has to be read before it is complete.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from campaigns.audience.audience import Audience, open_list, read_audience
from campaigns.audience.files.encoding import BadContactsFile
from campaigns.definition import Definition, definition_of
from campaigns.definition.yaml_source import DefinitionFaults, FileFault, read_source
from campaigns.launch.checking.checks import provider_of
from campaigns.launch.clone import definition_yaml
from campaigns.launch.drafts.file_drafts import CAMPAIGN_FILE, FileDraft, alone, change_about, paths_left_out
from campaigns.launch.drafts.new_drafts import PutList, about_campaign, keep, kept_list_name, new_file
from campaigns.launch.drafts.reading_notes import forget_readings
from campaigns.launch.guided.proposals import Habits, campaign_name, proposal
from campaigns.launch.guided.samples import SAMPLE, Sample, of_sample, sample_of, take_sample
from campaigns.ledger.store import Ledger
from campaigns.lifecycle import ChangedMeanwhile
from dialer.account_settings import AccountSettings
from dialer.whole_file import whole_file

STAND_INS: Mapping[str, Any] = {"account": "none", "caller_id": "+18005550100", "message": {"tts": "Hello."}}
BLANKS_DOWN_TO = 3  # a form leaves blank what stands so deep; below, no holidays in a country is a word
NEEDED = {
    "account": "choose the account that calls",
    "caller_id": "write the number that the people called will see",
    "message": "write what is said",
}
Changes = Mapping[str, object]
"""Values by the keys of a campaign file, as `schedule.zone`; what is None, or empty, is removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftInWork:
    """A draft as far as it has got. `definition` has stand-ins for the keys in `missing`.

    `version` is another one after each change, `text` the campaign file as it is.
    """

    draft: FileDraft
    definition: Definition = field(repr=False)
    missing: Sequence[str]
    version: str
    text: str = field(repr=False)

    @property
    def sample(self) -> Sample:
        """The first rows of its list. Raises BadContactsFile."""
        with paths_left_out(self.draft.folder):
            return sample_of(self.definition, self.draft.folder)


def begin(
    ledger: Ledger,
    data_folder: Path,
    put_list: PutList,
    *,
    list_name: str,
    name: str = "",
    sheet: str | None = None,
    encoding: str | None = None,
    habits: Habits,
    token: str,
    who: str,
    now: datetime,
) -> FileDraft:
    """Keep a list, with the campaign that is proposed for it. Raises BadContactsFile: then nothing is kept.

    Whoever asks twice with the same `token` gets one draft.
    """
    list_file = kept_list_name(list_name)

    def fill(folder: Path) -> Mapping[str, Any]:
        with paths_left_out(folder), _called(list_name, list_file):
            put_list(new_file(folder / list_file))
            take_sample(folder / list_file, sheet=sheet, encoding=encoding)
            sample = sample_of(_blank_definition(list_file), folder)
        keys = proposal(sample, list_file, name or list_name, habits)
        if name:
            keys["campaign"] = campaign_name(name)
        keys["contacts"] = _without_blanks(keys["contacts"] | {"sheet": sheet, "encoding": encoding})
        definition, missing = _completed(_without_blanks(keys))
        _write(folder, definition, missing)
        return about_campaign(definition)

    return keep(ledger, data_folder, fill, token=token, who=who, now=now)


def opened(draft: FileDraft) -> DraftInWork:
    """The draft as it is now. Raises DefinitionFaults when its file cannot be read."""
    content = draft.file.read_bytes()
    text = content.decode("utf-8", "replace")
    definition, missing = _completed(read_source(draft.file).data)
    version = hashlib.sha256(content).hexdigest()[:16]
    return DraftInWork(draft=draft, definition=definition, missing=missing, version=version, text=text)


def with_changes(work: DraftInWork, changes: Changes, accounts: Mapping[str, AccountSettings]) -> Definition:
    """The definition with these changes, not kept. Raises DefinitionFaults: those of the changed sections."""
    return _changed(work, changes, accounts)[0]


def _changed(
    work: DraftInWork, changes: Changes, accounts: Mapping[str, AccountSettings]
) -> tuple[Definition, list[str]]:
    """The definition with these changes, and what it lacks."""
    keys: dict[str, Any] = work.definition.model_dump(mode="json", exclude_defaults=True, exclude=set(work.missing))
    for path, value in changes.items():
        section, _, key = path.partition(".")
        if key:
            keys[section] = {**(keys.get(section) or {}), key: value}
        else:
            keys[section] = value
    definition, missing = _completed(_without_blanks(keys))
    sections = {path.partition(".")[0] for path in changes}
    if emptied := [key for key in missing if key in sections]:
        raise DefinitionFaults(definition.fault((key,), "is missing", NEEDED[key]) for key in emptied)
    if faults := [fault for fault in faults_of(definition, work, accounts) if _section(fault) in sections]:
        raise DefinitionFaults(faults)
    return definition, missing


def change(
    draft: FileDraft,
    changes: Changes,
    accounts: Mapping[str, AccountSettings],
    *,
    seen: str,
) -> DraftInWork:
    """Change a draft and keep it. `seen` is the version that the person who changes it has looked at.

    Raises DefinitionFaults, and ChangedMeanwhile when somebody else has changed it otherwise since.
    """
    with alone(draft):
        work = opened(draft)
        definition, missing = _changed(work, changes, accounts)
        if definition == work.definition and missing == list(work.missing):
            return work
        if work.version != seen:
            message = "somebody has changed this draft since this page was opened"
            raise ChangedMeanwhile(message, "look at what you have written below, and save again to keep yours")
        _write(draft.folder, definition, missing)
        forget_readings(draft)
        change_about(draft, name=definition.campaign, account=definition.account)
    return opened(draft)


def faults_of(
    definition: Definition, work: DraftInWork, accounts: Mapping[str, AccountSettings]
) -> Sequence[FileFault]:
    """What is wrong with a definition for the list of this draft, the list itself unread."""
    try:
        audience_of_sample(definition, work, accounts)
    except DefinitionFaults as exc:
        return [replace(fault, message=fault.message.replace(SAMPLE, "the list")) for fault in exc.faults]
    return ()


def audience_of_sample(definition: Definition, work: DraftInWork, accounts: Mapping[str, AccountSettings]) -> Audience:
    """The first rows of the list as contacts. Raises DefinitionFaults, BadContactsFile."""
    with paths_left_out(work.draft.folder):
        sample_of(definition, work.draft.folder)
        provider = provider_of(definition, accounts)
        table = open_list(of_sample(definition), work.draft.folder)
        return read_audience(definition, table, check_script=provider.check_script)


@contextmanager
def _called(name: str, kept_as: str) -> Iterator[None]:
    """Errors of the block call the list by the name under which it came."""
    try:
        yield
    except BadContactsFile as exc:
        exc.message = exc.message.replace(kept_as, name)
        raise


def _blank_definition(list_file: str) -> Definition:
    return definition_of({"campaign": "new", "contacts": {"file": list_file}, **STAND_INS})


def _completed(keys: Mapping[str, Any]) -> tuple[Definition, list[str]]:
    """The definition of these keys with stand-ins for what it lacks, and what that is."""
    missing = [key for key in STAND_INS if not keys.get(key) and not (key == "message" and "call" in keys)]
    return definition_of({**keys, **{key: STAND_INS[key] for key in missing}}), missing


def _write(folder: Path, definition: Definition, missing: Sequence[str]) -> None:
    with whole_file(folder / CAMPAIGN_FILE) as stream:
        stream.write(definition_yaml(definition, without=missing))


def _without_blanks(keys: Mapping[str, Any], depth: int = 1) -> dict[str, Any]:
    """The keys that have a value, also in sections; an empty section is none. What lies deeper stays as it is."""
    deeper = depth < BLANKS_DOWN_TO
    cleaned = {
        key: _without_blanks(value, depth + 1) if deeper and isinstance(value, dict) else value
        for key, value in keys.items()
    }
    return {key: value for key, value in cleaned.items() if value not in (None, "", [], (), {})}


def _section(fault: FileFault) -> str:
    return fault.key.partition(".")[0].partition("[")[0]
