"""What every step is handed: ledger, accounts, clock, chance. Also keeps a fault with its own account or campaign."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from campaigns.ledger.moves import note_fault
from campaigns.ledger.queries import Campaign, OpenAttempt
from campaigns.ledger.store import Ledger, LedgerUnavailable
from campaigns.lifecycle import Step
from dialer.account import Account
from dialer.bucket import BucketUnavailable, CampaignLimits
from dialer.deadline import Deadline, steady_seconds
from dialer.errors import DialerError
from dialer.log import get_logger
from dialer.seldom import Seldom
from dialer.transport.signed_posts import SignedPosts

T = TypeVar("T")
R = TypeVar("R")

log = get_logger()
_named = Seldom()
EVERYBODYS = (LedgerUnavailable, BucketUnavailable)  # no account's own trouble: each step says what they mean for it
SEND_WITHIN = 1.0  # so that no request leaves later than this after a pause has been committed
SWEEP_MARGIN = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The ledger, the accounts by name, the clock and the random source.

    notify_url      gives the URL to which an account's provider sends its receipts
    send_within     seconds from opening an attempt within which its request must leave
    horizon         seconds ahead for which a release tick claims contacts
    lease           seconds for which a worker has the contacts it claimed
    stopping        true when this process has been told to end: it starts no more calls
    posts           sends signed messages to programs of others, such as webhooks; None where nobody sends any
    post_timeout    seconds that such a program may take for its answer
    keep_events     for how long events that were delivered are kept
    steady          a clock that cannot be set, in seconds; `sleep` waits by it
    deadline        makes the deadline at a moment, by the clocks that tell when it has passed
    alone           true where threads take turns by other means: none may wait for what another does for both
    possible_times  the times that it may be, where the clock is watched (`dialer.clock`); None: the clock's time
    """

    ledger: Ledger
    accounts: Mapping[str, Account]
    clock: Callable[[], datetime]
    rng: Random
    notify_url: Callable[[str], str | None]
    send_within: float = SEND_WITHIN
    horizon: float = 2.0
    lease: float = 30.0
    stopping: Callable[[], bool] = lambda: False
    posts: SignedPosts | None = None
    post_timeout: float = 10.0
    keep_events: timedelta = timedelta(days=3)
    steady: Callable[[], float] = steady_seconds
    sleep: Callable[[float], None] = time.sleep
    deadline: Callable[[datetime], Deadline] = Deadline
    alone: bool = False
    possible_times: Callable[[], Sequence[datetime]] | None = None

    def moments(self) -> tuple[datetime, ...]:
        """What time it may be; the clock's own time first."""
        return tuple(self.possible_times()) if self.possible_times else (self.clock(),)


def own_limits(campaign: Campaign, caller_id: str | None = None) -> CampaignLimits:
    """What the campaign's definition allows it of its account, from this number of several.

    Where none of several is named, the pace of one says nothing of the campaign's.
    """
    definition = campaign.definition
    numbers = definition.caller_id.numbers
    return CampaignLimits(
        campaign=campaign.id,
        pace=definition.pace,
        concurrency=definition.concurrency,
        weight=definition.weight,
        caller_id=caller_id or (numbers[0] if len(numbers) == 1 else ""),
    )


@contextmanager
def contained(
    step: Step, ledger: Ledger, now: datetime, *, account: str = "", campaign: str = "", **names: object
) -> Iterator[list[str]]:
    """Whatever the block raises ends the block and nothing else, so that the next account, campaign or attempt goes on.

    It is logged with these names (where it was raised once a minute), and counted in the ledger for `status` and the
    metrics. Only a store that is away is raised on: no other account would fare better. The list that the block is
    given holds the error's name afterwards, if there was one.
    """
    errors: list[str] = []
    try:
        yield errors
    except EVERYBODYS:
        raise
    except Exception as exc:
        error = exc.message if isinstance(exc, DialerError) else type(exc).__name__
        errors.append(error)
        # Its text may quote a number or what is said: where it was raised is enough.
        where = traceback.format_tb(exc.__traceback__) if _named.is_due(step, account, campaign, error) else None
        log.error("a fault of the dialer", step=step.value, account=account, campaign=campaign, error=error, **names)
        if where:
            log.error("where it was raised", error=type(exc).__name__, traceback="".join(where))
        _count(ledger, step, account, campaign, error, now)


def _count(ledger: Ledger, step: Step, account: str, campaign: str, error: str, now: datetime) -> None:
    try:
        ledger.write(note_fault, step, account=account, campaign_id=campaign, error=error, now=now)
    except Exception as exc:
        log.error("a fault of the dialer was not counted", step=step.value, why=type(exc).__name__)


def names_of(attempt: OpenAttempt) -> dict[str, str]:
    """The names under which a fault of one attempt is logged."""
    return {"account": attempt.account, "campaign": attempt.campaign_id, "attempt": str(attempt.id)}


def all_or_each(
    step: Step,
    ledger: Ledger,
    now: datetime,
    items: Sequence[T],
    act: Callable[[Sequence[T]], Sequence[R]],
    names: Callable[[T], Mapping[str, Any]],
    put_off: Callable[[T, str], object] = lambda item, error: None,
) -> list[R]:
    """The results of `act` on all items; where that raises, of `act` on each by itself, contained.

    So one transaction serves all while all is well, and an item that cannot be written keeps no other from being.
    `put_off` is given an item that raised, and the name of its error, so that it is not tried again at once.
    """
    try:
        return list(act(items))
    except EVERYBODYS:
        raise
    except Exception:
        results: list[R] = []
        for item in items:
            with contained(step, ledger, now, **names(item)) as errors:
                results += act([item])
            if errors:
                with contained(step, ledger, now, **names(item)):
                    put_off(item, errors[0])
        return results
