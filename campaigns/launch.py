"""From a campaign file to a running campaign: everything is checked first, and all of it starts or nothing does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from campaigns.audience import Audience, ContactRow, Summary, read_audience
from campaigns.definition import Definition, load_definition
from campaigns.ledger import admission, reading
from campaigns.ledger.admission import Admitted
from campaigns.ledger.reading import Campaign
from campaigns.ledger.store import Ledger
from campaigns.overruling import overruling_faults
from campaigns.rejects import Reject, write_rejects
from campaigns.source import DefinitionFaults, Fault
from dialer.accounts import AccountSettings
from dialer.errors import DialerError
from dialer.kinds import Informer
from dialer.providers import provider_for
from dialer.providers.provider import Provider

ADMITTED_AT_ONCE = 5000
NO_ZONE = "UTC"  # of contacts whose campaign may call at any time and names no zone


class RowsRejected(DialerError):
    """Some rows cannot be called; nothing was started. `facts` says where all of them are."""

    def __init__(self, checked: Checked, rejects_file: Path | None) -> None:
        count = len(checked.rejects)
        super().__init__(
            f"{count} of {checked.summary.rows_read} rows of {checked.audience_file} cannot be called; "
            "nothing was started",
            "correct the list, or call the good rows with --skip-rejects",
        )
        self.facts = {"rejected": count, "rejects": str(rejects_file) if rejects_file else None}


class NobodyToCall(DialerError):
    """The list has no row that can be called."""


class ListChanged(DialerError):
    """The list was changed while it was being read; nothing was started."""


class StillGoingOn(DialerError):
    """A campaign of this name has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A campaign file and its list, read whole and found in order but for `rejects`."""

    definition: Definition
    audience: Audience = field(repr=False)
    summary: Summary
    rejects: Sequence[Reject]
    rehearsal: bool  # the account leads to a sandbox

    @property
    def audience_file(self) -> Path:
        """The list."""
        return self.audience.file

    def write_rejects(self, folder: Path) -> Path | None:
        """Write the rows that cannot be called, whole, with line, column and reason; None when there are none."""
        if not self.rejects:
            return None
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = folder / f"{self.definition.campaign}-rejects.csv"
        write_rejects(file, self.audience.header, self.rejects)
        return file.absolute()

    def refuse_rejects(self, rejects_file: Path | None, *, skip: bool) -> None:
        """Raises RowsRejected unless every row is good or `skip` is given; NobodyToCall when none is."""
        if self.rejects and not skip:
            raise RowsRejected(self, rejects_file)
        if not self.summary.will_dial:
            raise NobodyToCall(f"{self.audience_file}: no row can be called", f"see {rejects_file} for the reasons")


def check(path: Path, accounts: Mapping[str, AccountSettings]) -> Checked:
    """Read a campaign file and its whole list. Raises DefinitionFaults, BadContactsFile; bad rows are `rejects`."""
    definition = load_definition(path)
    if definition.account not in accounts:
        there = f"the settings have: {', '.join(sorted(accounts))}" if accounts else "the settings have no accounts"
        fault = definition.fault(("account",), f"no account {definition.account!r}", there)
        raise DefinitionFaults([fault])
    provider = provider_for(accounts[definition.account])
    faults = list(_misfits(definition, provider))
    faults += overruling_faults(definition, provider.policy())
    if faults:
        raise DefinitionFaults(faults)
    audience = read_audience(definition, path.parent, check_script=provider.check_script)
    for _ in audience.contacts():
        pass  # reading is the check
    return Checked(
        definition=definition,
        audience=audience,
        summary=audience.summary,
        rejects=tuple(audience.rejects),
        rehearsal=accounts[definition.account].sandbox,
    )


def _misfits(definition: Definition, provider: Provider) -> Iterator[Fault]:
    """What is written and would do nothing."""
    written = definition.model_fields_set
    for key in sorted(provider.cannot & written):
        yield definition.fault((key,), f"{provider.name} has no {key}", "remove it: it would do nothing")
    if not isinstance(definition.call, Informer) and "ring_timeout" in written:
        said = f"a {definition.call.kind} call takes none: the provider decides"
        yield definition.fault(("ring_timeout",), said, "remove it: it would do nothing")


def launch(
    ledger: Ledger, checked: Checked, *, rejects_file: Path | None, again: bool = False, who: str, now: datetime
) -> Campaign:
    """Write a checked campaign into the ledger and start it, or leave nothing there.

    Raises StillGoingOn when a campaign of this name has not ended, unless `again` asks for a second one.
    """
    definition = checked.definition
    if not again:
        with ledger.reading() as db:
            _refuse_second(db, definition.campaign)
    campaign_id = ledger.write(
        admission.create_draft,
        name=definition.campaign,
        account=definition.account,
        definition_text=definition.model_dump_json(),
        rehearsal=checked.rehearsal,
        now=now,
    )
    try:
        zones = _admit_all(ledger, campaign_id, checked, now)
        ledger.write(
            _start,
            campaign_id,
            only_of=None if again else definition.campaign,
            zones=zones,
            rejects=len(checked.rejects),
            rejects_file=str(rejects_file) if rejects_file else None,
            starts_at=definition.starts_at,
            who=who,
            now=now,
        )
    except BaseException:
        ledger.write(admission.discard_draft, campaign_id)
        raise
    with ledger.reading() as db:
        return reading.campaign(db, campaign_id)


def _start(db: Connection, campaign_id: str, *, only_of: str | None, **facts: Any) -> None:
    """Start the draft; when it is to be the only campaign of a name, no other may have started since that was asked."""
    if only_of is not None:
        _refuse_second(db, only_of, lock=True)
    admission.start(db, campaign_id, **facts)


def _refuse_second(db: Connection, name: str, *, lock: bool = False) -> None:
    if going_on := admission.live_campaign_named(db, name, lock=lock):
        raise StillGoingOn(
            f"{going_on} has not ended yet", "wait for it, cancel it, or ask for a second campaign with --again"
        )


def _admit_all(ledger: Ledger, campaign_id: str, checked: Checked, now: datetime) -> set[str]:
    """Admit the list in transactions of bounded size; returns the zones its contacts are in."""
    zones: set[str] = set()
    contacts = (_admitted(row, ledger.fingerprint(row.phone.e164)) for row in checked.audience.contacts())
    while batch := list(islice(contacts, ADMITTED_AT_ONCE)):
        zones.update(one.zone for one in batch)
        ledger.write(admission.admit, campaign_id, batch, now=now)
    if checked.audience.summary != checked.summary:
        raise ListChanged(f"{checked.audience_file} was changed while it was being read", "start again")
    return zones


def _admitted(row: ContactRow, phone_hash: str) -> Admitted:
    return Admitted(
        line=row.line,
        phone=row.phone.e164,
        phone_hash=phone_hash,
        consent=row.consent,
        fields=dict(row.fields),
        text=row.text,
        zone=row.zone or NO_ZONE,
        not_after=row.not_after,
    )
