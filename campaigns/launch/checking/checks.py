"""Checks a campaign file and its whole list before anything starts: what is wrong, and which contacts can be called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path

from campaigns.audience.audience import Audience, FindExcluded, open_list, read_audience
from campaigns.audience.import_summary import ImportSummary
from campaigns.audience.progress import ProgressBar, no_progress
from campaigns.audience.rejects import Reject
from campaigns.audience.rows.contact_row import ContactRow
from campaigns.definition import Definition, load_definition
from campaigns.definition.yaml_source import DefinitionFaults, FileFault
from campaigns.launch.checking.account_checks import (
    account_faults,
    fallback_accounts,
    price_faults,
    unknown_account,
)
from campaigns.launch.checking.any_hour import any_hour_warning
from campaigns.launch.checking.changed_values import ChangedValues
from campaigns.launch.checking.dear_calls import DearCalls
from campaigns.launch.checking.nearer_appointments import NearerAppointments
from campaigns.launch.checking.policy_overrides import policy_faults
from campaigns.launch.checking.staging import StagingFile
from dialer.account_settings import AccountSettings
from dialer.call_kinds import Informer, prompts
from dialer.errors import DialerError
from dialer.follow_timing import short_message_warning
from dialer.providers.provider import Provider, TagsCalls
from dialer.providers.registry import provider_for

STANDING = "a standing campaign: it starts without contacts, and calls whoever is appended to it until it is closed"


MOST_TOLD = 100


class RowsRejected(DialerError):
    """Some rows cannot be called, so nothing was started. `facts`: their number, and the file that lists them.

    `rejects` are the first of them.
    """

    def __init__(self, checked: CheckResult, rejects_file: Path | None, undone: str) -> None:
        super().__init__(
            f"{checked.bad_rows:,} of {checked.summary.rows_read:,} rows of {checked.audience_file} cannot be called; "
            f"nothing was {undone}",
            "correct the list, or call the good rows with --skip-rejects",
        )
        self.rejects = checked.rejects[:MOST_TOLD]
        self.facts = {"rejected": checked.bad_rows, "rejects": str(rejects_file) if rejects_file else None}


class NobodyToCall(DialerError):
    """No contact can be called: the list has no good row, or the campaign ends before any of its windows opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """A campaign file without faults, and its list, read to the end.

    rejects       the first rows that are not called
    bad_rows      number of rows that are a reason to start nothing; the other rejects are left out as the campaign asks
    rehearsal     whether the account leads to a sandbox
    staging_file  the contacts, if they were kept for a launch
    exclusions    whether rows were also checked against the ledger: suppressed, or in a live campaign of this name
    warnings      sentences about what may go wrong although nothing is faulty
    nearer        the appointments that contacts are reminded of, where there are several reminders
    zones         how many contacts are in each zone; blank: in one that is not known
    """

    definition: Definition
    audience: Audience = field(repr=False)
    summary: ImportSummary
    rejects: Sequence[Reject]
    bad_rows: int
    rehearsal: bool
    staging_file: StagingFile | None = field(default=None, repr=False)
    exclusions: bool = False
    warnings: Sequence[str] = ()
    zones: Mapping[str, int] = field(default_factory=dict)
    nearer: NearerAppointments | None = None

    def all_warnings(self, now: datetime) -> list[str]:
        """The warnings, first that people are called at any hour, if they are."""
        return [*filter(None, [self.any_hour_warning(now)]), *self.other_warnings(now)]

    def other_warnings(self, now: datetime) -> list[str]:
        """The warnings but that: first that appointments are nearer than a reminder of them."""
        return [*(self.nearer.warnings(now) if self.nearer else []), *self.warnings]

    def any_hour_warning(self, now: datetime) -> str:
        """That the campaign has no calling hours, and whom it would call at night; blank if it has some."""
        return any_hour_warning(self.definition, self.zones, now)

    @property
    def audience_file(self) -> Path:
        """The file of the list."""
        return self.audience.file

    def write_rejects(self, folder: Path, name: str | None = None) -> Path | None:
        """Write all rejects to `folder`, each row whole with line, column and reason; returns the absolute path.

        None when there are no rejects. A launch gives the campaign's id as `name`, so that no later check overwrites
        its file.
        """
        if not self.rejects:
            return None
        file = folder / f"{name or self.definition.campaign}-rejects.csv"
        self.audience.reject_store.write(file)
        return file.absolute()

    def refuse_rejects(self, rejects_file: Path | None, *, skip: bool, undone: str = "started") -> None:
        """Raises RowsRejected when there are bad rows, unless `skip`; NobodyToCall when no row is good."""
        if self.bad_rows and not skip:
            raise RowsRejected(self, rejects_file, undone)
        self.refuse_empty(rejects_file)

    def refuse_empty(self, rejects_file: Path | None) -> None:
        """Raises NobodyToCall when no row of its list can be called: such a campaign would never finish."""
        if not self.summary.will_dial and not self.definition.contacts.standing:
            reasons = f"see {rejects_file} for the reasons" if rejects_file else f"dialer check {self.definition.file}"
            raise NobodyToCall(f"{self.audience_file}: no row can be called", reasons)


def check(
    path: Path,
    accounts: Mapping[str, AccountSettings],
    *,
    exclusions_for: Callable[[Definition], FindExcluded] | None = None,
    progress: ProgressBar = no_progress,
    keep: bool = True,
) -> CheckResult:
    """Read a campaign file and its whole list, once.

    `exclusions_for` returns, for the definition, what finds the contacts to leave out: see `Exclusions`. With `keep`
    the contacts are kept in a staging file, as they are now, for a launch. Raises DefinitionFaults, BadContactsFile,
    ListChanged, NoTempSpace.
    """
    audience = open_audience(path, accounts, exclusions_for=exclusions_for)
    return check_audience(audience, accounts, exclusions=exclusions_for is not None, progress=progress, keep=keep)


def check_audience(
    audience: Audience,
    accounts: Mapping[str, AccountSettings],
    *,
    exclusions: bool,
    progress: ProgressBar = no_progress,
    keep: bool = True,
    add: Callable[[ContactRow], None] | None = None,
) -> CheckResult:
    """Read an opened list, once. With `add`, which is given each contact, none is kept in a staging file.

    Raises DefinitionFaults, ListChanged, NoTempSpace, and what `add` raises.
    """
    definition = audience.definition
    fallbacks = fallback_accounts(definition, accounts)
    staging_file = StagingFile(audience.estimated_rows()) if keep and add is None else None
    add = add or (staging_file.add if staging_file else None)
    shortest_text: str | None = None
    changed, zones, nearer = ChangedValues(), Counter[str](), NearerAppointments(definition)
    dear = DearCalls(definition, accounts)
    for row in audience.contacts(progress):
        changed.add(row)
        nearer.add(row)
        dear.check(row)
        zones[row.zone or ""] += 1
        for fallback in fallbacks:
            fallback.check(row)
        if add is not None:
            add(row)
        if row.text is not None and (shortest_text is None or len(row.text) < len(shortest_text)):
            shortest_text = row.text
    audience.check_unchanged()
    if faults := [
        *chain.from_iterable(fallback.faults(definition) for fallback in fallbacks),
        *dear.faults(definition),
    ]:
        raise DefinitionFaults(faults)
    return CheckResult(
        definition=definition,
        audience=audience,
        summary=audience.summary,
        rejects=tuple(audience.rejects),
        bad_rows=audience.reject_store.blocking,
        rehearsal=accounts[definition.account].sandbox,
        staging_file=staging_file,
        exclusions=exclusions,
        zones=zones,
        nearer=nearer,
        warnings=(
            *([STANDING] if definition.contacts.standing and not audience.summary.rows_read else []),
            *audience.remarks,
            *filter(None, [_no_keys_warning(definition, provider_for(accounts[definition.account]))]),
            *_warnings(definition, accounts[definition.account], shortest_text),
            *changed.warnings(),
        ),
    )


def _no_keys_warning(definition: Definition, provider: Provider) -> str | None:
    """That the calls collect no keys by themselves, where the campaign waits for some."""
    kinds = provider.collects_keys if isinstance(provider, TagsCalls) else frozenset()
    if not definition.responses or definition.call.kind in kinds:
        return None
    remedy = f"; calls of kind {' or '.join(sorted(kinds))} do, by the tags that their scenario sets" if kinds else ""
    door = f"/responses/{definition.account}/SECRET"
    remark = f"nobody's answer comes, unless a flow posts it to {door}"
    return f"{provider.name} collects no keys in these calls: {remark}{remedy}"


def _warnings(definition: Definition, settings: AccountSettings, shortest_text: str | None) -> tuple[str, ...]:
    if shortest_text is None or not isinstance(definition.call, Informer):
        return ()
    warning = short_message_warning(settings, definition.script(shortest_text).seconds)
    return (warning,) if warning else ()


def open_audience(
    path: Path,
    accounts: Mapping[str, AccountSettings],
    *,
    exclusions_for: Callable[[Definition], FindExcluded] | None = None,
) -> Audience:
    """Read a campaign file and open its list, without reading its rows. Raises DefinitionFaults, BadContactsFile."""
    definition = load_definition(path)
    provider = provider_of(definition, accounts)
    return read_audience(
        definition,
        open_list(definition, path.parent),
        check_script=provider.check_script,
        find_excluded=exclusions_for(definition) if exclusions_for else None,
    )


def provider_of(definition: Definition, accounts: Mapping[str, AccountSettings]) -> Provider:
    """The provider of the definition's account. Raises DefinitionFaults: no such account, or it cannot do this."""
    provider = provider_of_started(definition, accounts)
    faults = list(_unsupported(definition, provider))
    faults += policy_faults(definition, provider.policy())
    faults += account_faults(definition, accounts)
    faults += price_faults(definition, accounts)
    if faults:
        raise DefinitionFaults(faults)
    return provider


def provider_of_started(definition: Definition, accounts: Mapping[str, AccountSettings]) -> Provider:
    """The provider of a campaign that was checked when it started. Raises DefinitionFaults: its account is gone."""
    if definition.account not in accounts:
        raise DefinitionFaults([unknown_account(definition, ("account",), definition.account, accounts)])
    return provider_for(accounts[definition.account])


def _unsupported(definition: Definition, provider: Provider) -> Iterator[FileFault]:
    """Keys of the file that have no effect with this provider, and prompts that it cannot speak."""
    written = definition.model_fields_set
    for key in sorted(provider.cannot & written):
        yield definition.fault((key,), f"{provider.name} has no {key}", "remove it: it would do nothing")
    if definition.schedule.vendor_queue and "send_at" in provider.cannot:
        message = f"{provider.name} places calls at once and cannot be asked to wait"
        yield definition.fault(("schedule", "vendor_queue"), message, "remove it: the dialer waits by itself")
    if not isinstance(definition.call, Informer) and "ring_timeout" in written:
        message = f"a {definition.call.kind} call takes none: the provider decides"
        yield definition.fault(("ring_timeout",), message, "remove it: it would do nothing")
    for key, prompt in prompts(definition.call).items():
        if fault := provider.check_script(prompt.script):
            yield definition.fault(("call", key), fault.reason, fault.suggestion)
