"""Checking a campaign file and its whole list, before anything starts: what is wrong, and who would be called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.audience.audience import Audience, FindExcluded, read_audience
from campaigns.audience.import_summary import ImportSummary
from campaigns.audience.progress import Progress, no_progress
from campaigns.audience.rejects import Reject
from campaigns.definition import Definition, load_definition
from campaigns.definition.yaml_source import DefinitionFaults, FileFault
from campaigns.launch.account_checks import account_faults, fallback_accounts, no_account
from campaigns.launch.policy_overrides import policy_faults
from campaigns.launch.staging import StagingFile
from dialer.account_settings import AccountSettings
from dialer.call_kinds import Informer, prompts
from dialer.errors import DialerError
from dialer.follow_timing import short_message_warning
from dialer.providers.provider import Provider
from dialer.providers.registry import provider_for


class RowsRejected(DialerError):
    """Some rows cannot be called; nothing was started. `facts` says where all of them are."""

    def __init__(self, checked: CheckResult, rejects_file: Path | None) -> None:
        bad = checked.bad
        super().__init__(
            f"{bad} of {checked.summary.rows_read} rows of {checked.audience_file} cannot be called; "
            "nothing was started",
            "correct the list, or call the good rows with --skip-rejects",
        )
        self.facts = {"rejected": bad, "rejects": str(rejects_file) if rejects_file else None}


class NobodyToCall(DialerError):
    """The list has no row that can be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """A campaign file and its list, read whole and found in order but for its rejects, of which it knows the first.

    `bad` counts the rows that are a reason to start nothing; the other rejects are left out as the campaign says.
    `spool` holds the contacts where they were kept to be launched. `warnings` say what may go wrong all the same.
    """

    definition: Definition
    audience: Audience = field(repr=False)
    summary: ImportSummary
    rejects: Sequence[Reject]
    bad: int
    rehearsal: bool  # the account leads to a sandbox
    spool: StagingFile | None = field(default=None, repr=False)
    apart: bool = False  # whom another campaign of the name calls is left out
    warnings: Sequence[str] = ()

    @property
    def audience_file(self) -> Path:
        """The list."""
        return self.audience.file

    def write_rejects(self, folder: Path, name: str | None = None) -> Path | None:
        """Write the rows that are not called, whole, with line, column and reason; None when there are none.

        A campaign that starts has a file of its own, by its id, which no later check writes over.
        """
        if not self.rejects:
            return None
        file = folder / f"{name or self.definition.campaign}-rejects.csv"
        self.audience.reject_store.write(file)
        return file.absolute()

    def refuse_rejects(self, rejects_file: Path | None, *, skip: bool) -> None:
        """Raises RowsRejected unless every row is good or `skip` is given; NobodyToCall when none is."""
        if self.bad and not skip:
            raise RowsRejected(self, rejects_file)
        self.refuse_nobody(rejects_file)

    def refuse_nobody(self, rejects_file: Path | None) -> None:
        """Raises NobodyToCall where no row can be called: such a campaign would have no end."""
        if not self.summary.will_dial:
            reasons = f"see {rejects_file} for the reasons" if rejects_file else f"dialer check {self.definition.file}"
            raise NobodyToCall(f"{self.audience_file}: no row can be called", reasons)


def check(
    path: Path,
    accounts: Mapping[str, AccountSettings],
    *,
    leaving_out: Callable[[Definition], FindExcluded] | None = None,
    progress: Progress = no_progress,
    keep: bool = True,
) -> CheckResult:
    """Read a campaign file and its whole list, once. Bad rows are `rejects`.

    `leaving_out`, given the definition, tells whom the ledger leaves out of it. `keep` keeps the contacts as they are
    now, to be launched. Raises DefinitionFaults, BadContactsFile, ListChanged, NoTempSpace.
    """
    audience = open_audience(path, accounts, leaving_out=leaving_out)
    definition = audience.definition
    others = fallback_accounts(definition, accounts)
    spool = StagingFile(audience.estimated_rows()) if keep else None
    shortest: str | None = None
    for row in audience.contacts(progress):
        for other in others:
            other.examine(row)
        if spool is not None:
            spool.add(row)
        if row.text is not None and (shortest is None or len(row.text) < len(shortest)):
            shortest = row.text
    audience.check_unchanged()
    if any(other.count for other in others):
        raise DefinitionFaults([fault for other in others for fault in other.faults(definition)])
    return CheckResult(
        definition=definition,
        audience=audience,
        summary=audience.summary,
        rejects=tuple(audience.rejects),
        bad=audience.reject_store.blocking,
        rehearsal=accounts[definition.account].sandbox,
        spool=spool,
        apart=leaving_out is not None,
        warnings=_warnings(definition, accounts[definition.account], shortest),
    )


def _warnings(definition: Definition, settings: AccountSettings, shortest: str | None) -> tuple[str, ...]:
    if shortest is None or not isinstance(definition.call, Informer):
        return ()
    warning = short_message_warning(settings, definition.script(shortest).seconds)
    return (warning,) if warning else ()


def open_audience(
    path: Path,
    accounts: Mapping[str, AccountSettings],
    *,
    leaving_out: Callable[[Definition], FindExcluded] | None = None,
) -> Audience:
    """Read a campaign file and look at its list, its rows still unread. Raises DefinitionFaults, BadContactsFile."""
    definition = load_definition(path)
    provider = _provider(definition, accounts)
    return read_audience(
        definition,
        path.parent,
        check_script=provider.check_script,
        find_excluded=leaving_out(definition) if leaving_out else None,
    )


def _provider(definition: Definition, accounts: Mapping[str, AccountSettings]) -> Provider:
    """The provider of the definition's account. Raises DefinitionFaults for what it cannot do."""
    if definition.account not in accounts:
        raise DefinitionFaults([no_account(definition, ("account",), definition.account, accounts)])
    provider = provider_for(accounts[definition.account])
    faults = list(_misfits(definition, provider))
    faults += policy_faults(definition, provider.policy())
    faults += account_faults(definition, accounts)
    if faults:
        raise DefinitionFaults(faults)
    return provider


def _misfits(definition: Definition, provider: Provider) -> Iterator[FileFault]:
    """What is written and would do nothing, or cannot be said."""
    written = definition.model_fields_set
    for key in sorted(provider.cannot & written):
        yield definition.fault((key,), f"{provider.name} has no {key}", "remove it: it would do nothing")
    if definition.schedule.vendor_queue and "send_at" in provider.cannot:
        said = f"{provider.name} places calls at once and cannot be asked to wait"
        yield definition.fault(("schedule", "vendor_queue"), said, "remove it: the dialer waits by itself")
    if not isinstance(definition.call, Informer) and "ring_timeout" in written:
        said = f"a {definition.call.kind} call takes none: the provider decides"
        yield definition.fault(("ring_timeout",), said, "remove it: it would do nothing")
    for key, prompt in prompts(definition.call).items():
        if wrong := provider.check_script(prompt.script):
            yield definition.fault(("call", key), wrong.reason, wrong.suggestion)
