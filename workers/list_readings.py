"""What lists are read for, each with what does it: by a worker, or by the console for a short list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from campaigns.launch.drafts.append_draft import append_carried_out
from campaigns.launch.drafts.draft_checks import check_carried_out
from campaigns.launch.drafts.reading_notes import Purpose
from campaigns.launch.drafts.readings import CarryOut
from campaigns.launch.drafts.start_draft import start_carried_out
from campaigns.ledger.store import Ledger
from campaigns.safeguards.start_account import StartAccount, start_account_of_several
from workers.account_checks import account_trouble
from workers.plans import plan_carried_out
from workers.settings import Settings


def list_readings(
    settings: Settings, ledger: Ledger, *, chosen: Callable[[], StartAccount | None] = lambda: None
) -> Mapping[Purpose, CarryOut]:
    """By what a list is read for, what does it. `chosen` gives the account of a start that was chosen just now."""
    start = start_carried_out(
        ledger,
        settings.accounts,
        reports_folder=settings.data_dir / "reports",
        second_person_above=settings.console.second_person_above,
        choose_account=lambda definition: chosen() or start_account_of_several(definition, partial(_why_not, settings)),
    )
    return {
        Purpose.CHECK: check_carried_out(ledger, settings.accounts),
        Purpose.PLAN: plan_carried_out(settings, ledger),
        Purpose.START: start,
        Purpose.APPEND: append_carried_out(ledger, settings.accounts),
    }


def _why_not(settings: Settings, account: str) -> str | None:
    """Why this account cannot dial now; None if it can."""
    trouble = account_trouble(account, settings)
    return trouble.why if trouble else None
