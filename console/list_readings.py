"""What a page or a program wants a list read for, begun: a short list is read at once, a long one by a worker."""

from __future__ import annotations

from campaigns.definition import Definition
from campaigns.launch.drafts.append_draft import GivenList, begin_append
from campaigns.launch.drafts.file_drafts import FileDraft
from campaigns.launch.drafts.reading_notes import Purpose, ReadingNote
from campaigns.launch.drafts.readings import begin_reading
from campaigns.launch.drafts.start_draft import begin_start as begin_draft_start
from campaigns.safeguards.start_account import StartAccount
from console.preflight import choose_account
from console.server.state import AppState
from workers.list_readings import list_readings


def begin_check(draft: FileDraft, state: AppState, who: str) -> ReadingNote:
    """Check a draft. Raises what `begin_reading` and `check` raise."""
    return _begin(draft, Purpose.CHECK, state, who)


def begin_plan(draft: FileDraft, state: AppState, who: str) -> ReadingNote:
    """Plan a draft, from the account as it now is. Raises what `begin_reading` and `check` raise, and NothingToPlan."""
    return _begin(draft, Purpose.PLAN, state, who)


def begin_start(draft: FileDraft, state: AppState, who: str, *, skip_rejects: bool, again: bool = False) -> ReadingNote:
    """Start a draft, once, however many ask. Raises what the `begin_start` of drafts raises, and CannotLogIn."""
    chosen: list[StartAccount] = []  # of a short list, which is started right after: its accounts are asked once

    def choose(definition: Definition) -> StartAccount:
        chosen.append(choose_account(definition, state.settings))
        return chosen[0]

    return begin_draft_start(
        state.ledger,
        draft,
        list_readings(state.settings, state.ledger, chosen=lambda: next(iter(chosen), None))[Purpose.START],
        state.settings.accounts,
        choose_account=choose,
        skip_rejects=skip_rejects,
        again=again,
        who=who,
        clock=state.clock,
    )


def begin_long_append(
    campaign_id: str, given: GivenList, state: AppState, who: str, *, skip_rejects: bool
) -> tuple[FileDraft, ReadingNote] | None:
    """Leave a long list that is to be appended to a worker; None where it is short, and is to be appended at once.

    Raises NoSuchCampaign, CannotAppend.
    """
    if not given.is_long:
        return None
    return begin_append(
        state.ledger,
        state.settings.data_dir,
        campaign_id,
        given,
        list_readings(state.settings, state.ledger)[Purpose.APPEND],
        skip_rejects=skip_rejects,
        who=who,
        clock=state.clock,
    )


def _begin(draft: FileDraft, purpose: Purpose, state: AppState, who: str) -> ReadingNote:
    carry_out = list_readings(state.settings, state.ledger)[purpose]
    return begin_reading(draft, purpose, carry_out, who=who, clock=state.clock)
