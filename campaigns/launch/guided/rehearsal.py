"""Rehearses a draft: the whole list is called on a sandbox, now, and the draft stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from campaigns.audience.audience import open_list, read_audience
from campaigns.definition import Definition, definition_of
from campaigns.launch.checking.checks import check_audience, provider_of
from campaigns.launch.drafts.file_drafts import alone, paths_left_out
from campaigns.launch.exclusions import Exclusions
from campaigns.launch.guided.editing import DraftInWork
from campaigns.launch.launch import launch, refuse_duplicate
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from dialer.account_settings import AccountSettings

SUFFIX = "-rehearsal"
LONGEST_NAME = 60


def sandbox_accounts(accounts: Mapping[str, AccountSettings]) -> list[str]:
    """The accounts that lead to a sandbox: what is started on them calls nobody."""
    return [name for name, settings in accounts.items() if settings.sandbox]


def rehearse(
    ledger: Ledger,
    work: DraftInWork,
    accounts: Mapping[str, AccountSettings],
    account: str,
    *,
    reports_folder: Path,
    who: str,
    now: datetime,
) -> Campaign:
    """Start a campaign of the draft's list on this sandbox, at any hour, without the rows that cannot be called.

    It is named after the draft, with `-rehearsal`. Raises CampaignNotEnded while an earlier rehearsal goes on,
    DefinitionFaults when the account's provider cannot do what the draft asks for, and what `check` raises.
    """
    definition = _rehearsal_of(work.definition, account)
    with alone(work.draft), paths_left_out(work.draft.folder):
        refuse_duplicate(ledger, definition)
        provider = provider_of(definition, accounts)
        audience = read_audience(
            definition,
            open_list(definition, work.draft.folder),
            check_script=provider.check_script,
            find_excluded=Exclusions(ledger, definition, now),
        )
        checked = check_audience(audience, accounts, exclusions=True)
        return launch(ledger, checked, rejects_folder=reports_folder, who=who, now=now)


def _rehearsal_of(definition: Definition, account: str) -> Definition:
    """The same campaign on the sandbox, at any hour: nobody is woken there."""
    keys = definition.model_dump(mode="json", exclude_defaults=True, exclude={"accounts", "by_account"})
    schedule = {"zone": definition.schedule.zone} if definition.schedule.zone else {}
    name = definition.campaign[: LONGEST_NAME - len(SUFFIX)] + SUFFIX
    return definition_of({**keys, "campaign": name, "account": account, "schedule": schedule})
